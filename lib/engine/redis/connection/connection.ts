import { setTimeout as delay } from 'node:timers/promises';
import type { LoggerPort } from '../../core/api/values.types.js';
import { ConnectionError, RedflowError } from '../../core/errors/index.js';
import { SilenceError, within } from './deadline.js';
import { ClientMaker, type ConnectionSource, connected, dropped, type Purpose, sever } from './fresh-client.js';
import { Outage, reasonOf } from './outage.js';
import { isCluster, type RedisClient } from './redis-client.js';
import { backoffMs, type RepeatOptions, repeatWhileAway } from './repeat-while-away.js';
import { type SelfTest, selfTest, testSubscription } from './self-test.js';
import { addressOf } from './server-address.js';
import { askServer, checkServer, type RedisServerInfo } from './server-info.js';
import { isLoginRefused, isPassing, isRefusal, type Role, wantsFreshConnection } from './transient.js';

export type { ConnectionSource } from './fresh-client.js';
export type { RedisClient } from './redis-client.js';
export type { RedisServerInfo } from './server-info.js';

/**
 * Longest wait for a connection, or for the answer to a call; scripts answer within milliseconds. Less for a client that gives up soon,
 * so that it can try afresh before, and when time is short.
 */
const SILENCE_MS = { longest: 5_000, shortest: 1_000 };
/** Longest wait for the answer to a call that was not answered before: it may be large, and the network slow. */
const LARGE_CALL_MS = 30_000;
const TRIES_BEFORE_GIVING_UP = 3;
const LONGEST_PAUSE_MS = 1_000;

interface Opened {
  readonly redis: RedisClient;
  readonly info: RedisServerInfo;
}

/** What is done on an open connection. */
export type Work<T> = (redis: RedisClient, info: RedisServerInfo) => Promise<T>;

/**
 * The Redis connections of one client or worker: one for calls, others on demand. Nothing waits on any of them without a limit,
 * and one that fails is replaced by a fresh one with the next call.
 */
export class RedisConnection {
  /** Host, port and option, for messages; without user and password. */
  readonly address: string;
  readonly outage: Outage;
  private readonly silenceMs: number;
  private readonly maker: ClientMaker;
  private readonly clients = new Set<RedisClient>();
  private readonly closing = new AbortController();
  private current: Promise<Opened> | undefined;
  private wasOpen = false;
  /** Connections since the last call that succeeded. */
  private tries = 0;
  private giveUpAt = Number.POSITIVE_INFINITY;
  private readonly repeats: RepeatOptions;

  constructor(
    private readonly source: ConnectionSource,
    readonly logger: LoggerPort,
    readonly role: Role = 'client',
    /** What calls will use; none for a connection that does less than clients and workers do. */
    private readonly uses?: Pick<SelfTest, 'keys' | 'waits'>,
  ) {
    this.address = addressOf(source);
    this.silenceMs = Math.min(SILENCE_MS.longest, Math.max(SILENCE_MS.shortest, source.giveUpAfterMs / TRIES_BEFORE_GIVING_UP));
    this.maker = new ClientMaker(source, this.silenceMs);
    this.outage = new Outage(logger, {
      lasts: (reason) => `${this.address} does not work: ${reason}. Calls are repeated until it does.`,
      isOver: (lastedMs) => `${this.address} works again, after ${Math.round(lastedMs / 1_000)} s.`,
    });
    this.repeats = {
      giveUpAfterMs: source.giveUpAfterMs,
      isPassing: (error) => this.isPassing(error),
      failed: (error) => this.outage.failed(error),
      isOver: () => this.isOver,
      gaveUp: (error, waitedMs) => this.gaveUp(error, waitedMs),
    };
  }

  get isCluster(): boolean {
    return isCluster(this.source.connection);
  }

  /** True once {@link close} was called. */
  get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  /** True once {@link close} was called, or the time of {@link hurry} is up. */
  get isOver(): boolean {
    return this.isClosed || performance.now() >= this.giveUpAt;
  }

  /**
   * Bounds all waiting for a Redis that is away from now on, for a start or a stop: calls that follow one another share the time, so
   * it takes no longer however many they are. Each is tried once at least.
   */
  hurry(giveUpAfterMs: number): void {
    this.giveUpAt = performance.now() + giveUpAfterMs;
  }

  /** Ends the bound of {@link hurry}. */
  takeTime(): void {
    this.giveUpAt = Number.POSITIVE_INFINITY;
  }

  /** What calls after {@link close} fail with. */
  closedError(): ConnectionError {
    return new ConnectionError(`This client or worker of ${this.address} was closed. Make a new one.`);
  }

  /**
   * Connects and checks the server; calls share the connection for as long as it works.
   * @throws ConnectionError, UnsupportedRedisError
   */
  async open(): Promise<RedisServerInfo> {
    return (await this.opened()).info;
  }

  /**
   * Opens for a boot, which may be earlier than that of Redis: tries for `connectTimeoutMs`. A refused password is not tried again.
   * @throws ConnectionError, UnsupportedRedisError
   */
  reach(): Promise<RedisServerInfo> {
    return repeatWhileAway(() => this.openAndSubscribe(), {
      ...this.repeats,
      giveUpAfterMs: this.source.connectTimeoutMs,
      gaveUp: (error) => (this.isClosed ? this.closedError() : (error as Error)),
    });
  }

  /**
   * Does something once, on an open connection. One that fails in a way that another may not is replaced with the next call.
   * @param longerMs what it may take beyond the usual
   */
  async call<T>(work: Work<T>, longerMs = 0): Promise<T> {
    const opening = this.opened();
    const { redis, info } = await opening;
    try {
      const result = await within(this.limitMs(longerMs), 'A call', work(redis, info));
      this.tries = 0;
      this.outage.over();
      return result;
    } catch (error) {
      if (this.isPassing(error) && wantsFreshConnection(error)) this.leave(opening, redis);
      throw error;
    }
  }

  /**
   * Does what may be done twice, again and again while Redis is away.
   * @throws ConnectionError after `giveUpAfterMs`
   */
  repeated<T>(work: Work<T>, longerMs = 0): Promise<T> {
    let spareMs = 0;
    const attempt = async () => {
      try {
        return await this.call(work, longerMs + spareMs);
      } catch (error) {
        if (error instanceof SilenceError) spareMs = Math.min(2 * spareMs + this.silenceMs, LARGE_CALL_MS - this.silenceMs);
        throw error;
      }
    };
    return repeatWhileAway(attempt, this.repeats);
  }

  /**
   * A further connection, which blocks or subscribes; closed with this one.
   * @param signal ends the waiting for it
   */
  async duplicate(signal?: AbortSignal): Promise<RedisClient> {
    return this.connect('waiting', signal);
  }

  discard(client: RedisClient): void {
    this.clients.delete(client);
    sever(client);
  }

  async close(): Promise<void> {
    this.closing.abort();
    const open = [...this.clients];
    this.clients.clear();
    await Promise.all(open.map(dropped));
  }

  private opened(): Promise<Opened> {
    if (this.current) return this.current;
    const opening: Promise<Opened> = this.openCalls(() => {
      if (this.current === opening) this.current = undefined;
    });
    this.current = opening;
    return opening;
  }

  /** @param ended called when it fails, now or later */
  private async openCalls(ended: () => void): Promise<Opened> {
    try {
      // Not when time is up: what is left to do is tried once each.
      if (this.tries > 0 && !this.isOver) await this.pause(backoffMs(this.tries, LONGEST_PAUSE_MS));
      this.tries++;
      const redis = await this.connect('calls');
      redis.once('end', ended);
      try {
        const info = await within(this.limitMs(), 'The first call', askServer(redis));
        checkServer(info);
        await this.test(redis);
        this.maker.learn(redis);
        this.wasOpen = true;
        return { redis, info };
      } catch (error) {
        this.discard(redis);
        throw error;
      }
    } catch (error) {
      ended();
      throw this.isClosed ? this.closedError() : this.unreachable(error);
    }
  }

  /** Results are pushed to a connection of their own, which a client makes when it first awaits one. */
  private async openAndSubscribe(): Promise<RedisServerInfo> {
    const info = await this.open();
    const { uses, role, address } = this;
    if (!uses || role !== 'client') return info;
    const redis = await this.duplicate();
    try {
      await within(this.limitMs(), 'Subscribing', testSubscription(redis, { ...uses, role, address }));
      return info;
    } finally {
      this.discard(redis);
    }
  }

  /** What an ACL refuses is found before anything depends on it. Later changes of it are not looked for. */
  private async test(redis: RedisClient): Promise<void> {
    const { uses, role, address } = this;
    if (uses && !this.wasOpen) await within(this.limitMs(), 'The self-test', selfTest(redis, { ...uses, role, address }));
  }

  private async connect(purpose: Purpose, signal?: AbortSignal): Promise<RedisClient> {
    if (this.isClosed) throw this.closedError();
    const redis = this.maker.make(purpose);
    const stop = () => this.discard(redis);
    this.clients.add(redis);
    redis.once('end', () => this.clients.delete(redis));
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await connected(redis, this.limitMs());
      return redis;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Others may wait for answers on it: they repeat their calls on the next. */
  private leave(opening: Promise<Opened>, redis: RedisClient): void {
    if (this.current === opening) this.current = undefined;
    this.discard(redis);
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.closing.signal });
  }

  private limitMs(longerMs = 0): number {
    return Math.min(this.silenceMs + longerMs, Math.max(SILENCE_MS.shortest, this.giveUpAt - performance.now()));
  }

  private isPassing(error: unknown): boolean {
    if (!(error instanceof ConnectionError)) return isPassing(error, this.role);
    // A password that never worked is a mistake; one that did may be changing.
    return this.wasOpen || !isLoginRefused(error.cause);
  }

  private unreachable(error: unknown): RedflowError {
    if (error instanceof RedflowError) return error;
    return new ConnectionError(
      `Cannot reach ${this.address}: ${reasonOf(error).replace(/\.$/, '')}. Start Redis there, or correct the option.`,
      {
        cause: error,
      },
    );
  }

  private gaveUp(error: unknown, waitedMs: number): ConnectionError {
    if (this.isClosed) return this.closedError();
    const reason = reasonOf(error);
    const what = isRefusal(reason) ? 'refused all calls' : 'did not answer';
    return new ConnectionError(
      `${this.address} ${what} for ${Math.round(waitedMs)} ms (${reason}). The call may have taken effect: repeat it with the same runId or idempotencyKey.`,
      { cause: error },
    );
  }
}
