import type { Redis } from 'ioredis';

type Settings = Record<string, string | number>;

/** Servers of set-ups that take several, with settings of their own: all are gone when the group is closed, or this process ends. */
export class RedisServers {
  /** @param executable the first redis-server or valkey-server on PATH by default */
  constructor(executable?: string);
  /** Starts a server on a free loopback port, and resolves once it answers. */
  start(settings?: Settings): Promise<Server>;
  /** A cluster of masters that share the slots, each with `replicas`; resolves once all say that it is up. */
  cluster(options?: { masters?: number; replicas?: number; settings?: Settings }): Promise<RedisCluster>;
  close(): Promise<void>;
}

/** One server process; its port stays the same over restarts. */
export interface Server {
  readonly url: string;
  readonly port: number;
  /** What it is asked while the server is away fails at once. */
  readonly admin: Redis;
  /** As a crash does. */
  kill(): Promise<void>;
  /** Starts it again, with what it has kept. */
  start(): Promise<void>;
  /** Holds the process, as a machine that hangs does: its connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
}

/** Three or more servers that are one cluster. */
export interface RedisCluster {
  readonly nodes: readonly Server[];
  /** What clients are told to begin with. */
  readonly addresses: Array<{ host: string; port: number }>;
  /** Slot of a key, and the master that owns it. */
  ownerOf(key: string): Promise<{ slot: number; owner: Server }>;
  /**
   * Moves a slot with its keys as `redis-cli --cluster reshard` does, while clients go on.
   * @returns how many keys it moved, how long the slot was open, and how many moves met keys that were there already
   */
  migrate(
    slot: number,
    from: Server,
    to: Server,
    options?: { onMoved?: (keys: number) => Promise<void> },
  ): Promise<{ moved: number; openMs: number; torn: number }>;
}
