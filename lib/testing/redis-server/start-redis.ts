import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrphanGuard } from './orphan-guard.js';
import { findRedisExecutable, noRedisError } from './redis-executable.js';
import { RedisProcess } from './redis-process.js';
import { TestRedisError } from './test-redis.error.js';

/** A free port can be taken by someone else before the server listens on it. */
const PORT_TRIES = 10;

/** How {@link startRedis} starts its server. */
export interface StartRedisOptions {
  /**
   * Whether writes go to an append-only file (`appendfsync everysec`), so that data survives `kill()` and `restart()`.
   *
   * @default true
   */
  appendonly?: boolean | undefined;
  /**
   * The loopback port.
   *
   * @default a free one
   */
  port?: number | undefined;
  /**
   * A directory for the server's files that stays when the server stops.
   *
   * @default a temporary directory, removed by `stop()`
   */
  dir?: string | undefined;
}

/** A private Redis or Valkey server. */
export interface RedisServer {
  /** `redis://127.0.0.1:<port>`; the same over restarts. */
  readonly url: string;
  readonly port: number;
  /** The server's process id; undefined while it does not run. */
  readonly pid: number | undefined;
  /**
   * Shuts the server down, waits for its exit and removes its temporary directory. Calling it again does nothing more.
   * With `keepData` the directory stays, so that `restart()` finds the data.
   */
  stop(options?: { keepData?: boolean | undefined }): Promise<void>;
  /** Ends the server with SIGKILL, as a crash would, and waits for its exit. The append-only file stays. */
  kill(): Promise<void>;
  /**
   * Starts the server again on the same port and directory, after shutting it down in order if it still runs; resolves once
   * the append-only file is loaded.
   *
   * @throws TestRedisError after a `stop()` that removed the data, or if the port was taken meanwhile
   */
  restart(): Promise<void>;
}

/**
 * Starts a private redis-server, or valkey-server, from PATH on a loopback port and resolves once it answers. It never
 * evicts, takes no snapshots, and touches no other Redis of the machine.
 *
 * The server does not keep the process alive, and does not outlive it, however the process ends: a small shell process
 * notices the end and kills the server. Call `stop()` all the same, to have both gone when it resolves.
 *
 * @throws TestRedisError when PATH has no server, or it does not start; the message carries the server's log
 */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  const executable = findRedisExecutable();
  if (executable === undefined) throw noRedisError('Neither redis-server nor valkey-server is on PATH.');
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'redflow-redis-')));
  const server = new PrivateRedisServer(executable, dir, options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class PrivateRedisServer implements RedisServer {
  private readonly guard: OrphanGuard;
  private process?: RedisProcess;
  private assignedPort = 0;
  private isRemoved = false;

  constructor(
    private readonly executable: string,
    private readonly dir: string,
    private readonly options: StartRedisOptions,
  ) {
    this.guard = new OrphanGuard(options.dir === undefined ? dir : undefined);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.assignedPort}`;
  }

  get port(): number {
    return this.assignedPort;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  async start(): Promise<void> {
    const fixedPort = this.options.port;
    for (let tried = 0; tried < (fixedPort === undefined ? PORT_TRIES : 1); tried++) {
      this.assignedPort = fixedPort ?? (await freePort());
      if (await this.launch()) return;
    }
    throw new TestRedisError(
      fixedPort === undefined
        ? `${PORT_TRIES} free ports in a row were taken by others before Redis could listen on them. Pass \`port\`.`
        : `Port ${fixedPort} is in use. Pass another \`port\`, or none for a free one.`,
    );
  }

  async stop({ keepData = false }: { keepData?: boolean | undefined } = {}): Promise<void> {
    await this.process?.terminate();
    if (keepData || this.isRemoved) return;
    this.isRemoved = true;
    if (this.options.dir === undefined) await rm(this.dir, { recursive: true, force: true });
    this.guard.release();
  }

  async kill(): Promise<void> {
    await this.process?.kill();
  }

  async restart(): Promise<void> {
    if (this.isRemoved) {
      throw new TestRedisError(`Redis on port ${this.port} was stopped. To restart it, use kill() or stop({ keepData: true }).`);
    }
    await this.process?.terminate();
    if (!(await this.launch()))
      throw new TestRedisError(`Port ${this.port} was taken while Redis was down. Start another server.`);
  }

  private async launch(): Promise<boolean> {
    const { executable, dir, port } = this;
    const started = RedisProcess.spawn({ executable, dir, port, appendonly: this.options.appendonly ?? true });
    this.process = started;
    this.guard.watch(started.pid);
    started.onExit(() => {
      if (this.process === started) this.guard.watch(undefined);
    });
    return started.ready();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new TestRedisError('The system gave no TCP port.');
  return address.port;
}
