import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { endOfRequest } from './resp-request.js';

/** What a client's request must contain: tested on the raw bytes of one command, read as latin1 for a pattern. */
export type RequestPattern = RegExp | ((request: Buffer) => boolean);

export interface DropOptions {
  /** How many matching requests get through unharmed first. Default 0. */
  skip?: number;
}

/** A TCP proxy in front of Redis that can lose what a network can lose. */
export interface LossyProxy {
  /** The Redis URL to give to clients. */
  readonly url: string;
  /** How many client connections are open. */
  readonly connections: number;
  /**
   * Lets the next request that matches through to Redis, swallows its answer, and all that were still under way before it,
   * and destroys the client's connection: the request was executed and its sender cannot know. Resolves once that has
   * happened; rejects if the connection ends in another way before.
   */
  dropReplyTo(pattern: RequestPattern, options?: DropOptions): Promise<void>;
  /** Destroys all connections; new ones are accepted. */
  cut(): void;
  /** Holds back all bytes in both directions, as a network that hangs does, until `resume()`. */
  pause(): void;
  /** Holds back the bytes of connections that are open, as a network that has forgotten them does; new ones are fine. */
  forget(): void;
  /** Accepts new connections and says nothing on them, until `resume()`; those that are open are fine. */
  mute(): void;
  resume(): void;
  /** Connects new connections to another Redis, as a name that is moved does. */
  leadTo(redisUrl: string): void;
  /** Destroys all connections and stops listening. */
  close(): Promise<void>;
}

/** Starts a {@link LossyProxy} on a free loopback port. */
export async function startLossyProxy(redisUrl: string): Promise<LossyProxy> {
  const proxy = new TcpProxy(new URL(redisUrl));
  await proxy.listen();
  return proxy;
}

interface Trap {
  matches: (request: Buffer) => boolean;
  skip: number;
  sprung: () => void;
  missed: (error: Error) => void;
}

class TcpProxy implements LossyProxy {
  private readonly server: Server = createServer({ allowHalfOpen: false }, (client) => this.accept(client));
  private readonly links = new Set<Link>();
  private readonly traps: Trap[] = [];
  private isPaused = false;

  constructor(private target: URL) {}

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  get connections(): number {
    return this.links.size;
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  dropReplyTo(pattern: RequestPattern, { skip = 0 }: DropOptions = {}): Promise<void> {
    const matches =
      typeof pattern === 'function' ? pattern : (request: Buffer) => request.toString('latin1').search(pattern) >= 0;
    return new Promise((sprung, missed) => this.traps.push({ matches, skip, sprung, missed }));
  }

  cut(): void {
    for (const link of this.links) link.destroy();
  }

  pause(): void {
    this.mute();
    this.forget();
  }

  forget(): void {
    for (const link of this.links) link.pause();
  }

  mute(): void {
    this.isPaused = true;
  }

  leadTo(redisUrl: string): void {
    this.target = new URL(redisUrl);
  }

  resume(): void {
    this.isPaused = false;
    for (const link of this.links) link.resume();
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.cut();
    await closed;
  }

  private accept(client: Socket): void {
    const redis = connect({ host: this.target.hostname, port: Number(this.target.port || 6379) });
    const link = new Link(client, redis, (request) => this.takeTrap(request));
    this.links.add(link);
    client.once('close', () => this.links.delete(link));
    if (this.isPaused) link.pause();
  }

  private takeTrap(request: Buffer): Trap | undefined {
    const index = this.traps.findIndex((trap) => trap.matches(request) && trap.skip-- <= 0);
    return index < 0 ? undefined : this.traps.splice(index, 1)[0];
  }
}

/** One client connection and its connection to Redis. */
class Link {
  private unfinished: Buffer = Buffer.alloc(0);
  private trap?: Trap;
  private swallowed = '';
  /** Redis answers in order: once it has echoed this, it has executed and answered what was sent before. */
  private readonly mark = randomUUID();

  constructor(
    private readonly client: Socket,
    private readonly redis: Socket,
    private readonly takeTrap: (request: Buffer) => Trap | undefined,
  ) {
    client.setNoDelay(true);
    redis.setNoDelay(true);
    client.on('data', (chunk) => this.forward(chunk));
    redis.on('data', (chunk) => this.answer(chunk));
    for (const socket of [client, redis]) {
      // The other side sees the connection end; there is nobody to tell here.
      socket.on('error', () => {});
      socket.on('close', () => this.destroy());
    }
  }

  pause(): void {
    this.client.pause();
    this.redis.pause();
  }

  resume(): void {
    this.client.resume();
    this.redis.resume();
  }

  destroy(): void {
    this.client.destroy();
    this.redis.destroy();
    this.trap?.missed(new Error('The connection ended before Redis had answered the request whose answer should be lost.'));
    this.trap = undefined;
  }

  private forward(chunk: Buffer): void {
    this.unfinished = Buffer.concat([this.unfinished, chunk]);
    // What follows a trapped request stays here, and is lost with the connection.
    while (this.trap === undefined) {
      const end = endOfRequest(this.unfinished);
      if (end === undefined) return;
      const request = this.unfinished.subarray(0, end);
      this.unfinished = this.unfinished.subarray(end);
      this.trap = this.takeTrap(request);
      this.redis.write(request);
      if (this.trap !== undefined) this.redis.write(`*2\r\n$4\r\nECHO\r\n$${this.mark.length}\r\n${this.mark}\r\n`);
    }
  }

  private answer(chunk: Buffer): void {
    if (this.trap === undefined) {
      this.client.write(chunk);
      return;
    }
    this.swallowed += chunk.toString('latin1');
    if (!this.swallowed.includes(this.mark)) return;
    const { sprung } = this.trap;
    this.trap = undefined;
    this.destroy();
    sprung();
  }
}
