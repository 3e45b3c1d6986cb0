import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { TestRedisError } from './test-redis.error.js';

const STARTUP_LIMIT_MS = 60_000;
const SHUTDOWN_LIMIT_MS = 10_000;
const POLL_MS = 10;
/** A stranger on the port may accept the connection and never answer. */
const ANSWER_LIMIT_MS = 1_000;
const LOG_FILE = 'redis.log';

export interface RedisProcessOptions {
  executable: string;
  port: number;
  dir: string;
  appendonly: boolean;
}

/** One running server process, from spawn to exit. */
export class RedisProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly options: RedisProcessOptions,
  ) {}

  /**
   * Starts a server; it still has to load its data. The child is in a process group of its own, so that Ctrl-C in a terminal
   * leaves it to its owner, who may still need it to shut down in order; and it does not keep this process alive.
   */
  static spawn(options: RedisProcessOptions): RedisProcess {
    const child = spawn(options.executable, serverArguments(options), { detached: true, stdio: 'ignore' });
    child.on('error', () => {
      // A failed spawn has no pid; `ready()` reports it.
    });
    child.unref();
    return new RedisProcess(child, options);
  }

  get pid(): number | undefined {
    return this.hasExited ? undefined : this.child.pid;
  }

  get hasExited(): boolean {
    return this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Calls back once when the process ends, for whatever reason. */
  onExit(listener: () => void): void {
    this.child.once('exit', listener);
  }

  /**
   * Resolves once the server answers PING and has loaded its data.
   *
   * @returns false if the port was taken by someone else
   * @throws TestRedisError with the server's log if it ended for another reason or is not ready in time
   */
  async ready(): Promise<boolean> {
    const deadline = performance.now() + STARTUP_LIMIT_MS;
    while (!this.hasExited) {
      if (await this.answers()) return true;
      if (performance.now() > deadline) {
        await this.kill();
        throw new TestRedisError(`Redis on port ${this.options.port} was not ready after ${STARTUP_LIMIT_MS} ms.${this.log()}`);
      }
      await delay(POLL_MS);
    }
    if (/address already in use/i.test(this.log())) return false;
    throw new TestRedisError(`${this.options.executable} ended while starting on port ${this.options.port}.${this.log()}`);
  }

  /** Asks the server to shut down and waits for its exit; kills it if that takes too long. */
  async terminate(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Ends the server at once, as a crash would, and waits for its exit. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.hasExited) return;
    this.child.ref();
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    const impatience = setTimeout(() => this.child.kill('SIGKILL'), SHUTDOWN_LIMIT_MS);
    await exited;
    clearTimeout(impatience);
  }

  /** Whether it is this server, not another one on the same port, that answers and is ready. */
  private async answers(): Promise<boolean> {
    const redis = new Redis({
      host: '127.0.0.1',
      port: this.options.port,
      lazyConnect: true,
      commandTimeout: ANSWER_LIMIT_MS,
      enableReadyCheck: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    redis.on('error', () => {
      // Refused until the server listens; the caller asks again.
    });
    try {
      await redis.connect();
      const info = await redis.info();
      return info.includes(`process_id:${this.child.pid}\r`) && (await redis.ping()) === 'PONG';
    } catch {
      return false; // Not listening yet, or still loading.
    } finally {
      // On a connection that has ended, disconnect() would leave a timer of two seconds behind.
      if (redis.status !== 'end') redis.disconnect();
    }
  }

  private log(): string {
    try {
      return `\n${readFileSync(join(this.options.dir, LOG_FILE), 'utf8').slice(-2_000)}`;
    } catch {
      return ''; // It ended before it opened its log.
    }
  }
}

function serverArguments({ port, dir, appendonly }: RedisProcessOptions): string[] {
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    logfile: join(dir, LOG_FILE),
    save: '',
    appendonly: appendonly ? 'yes' : 'no',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}
