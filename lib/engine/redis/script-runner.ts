import { createHash } from 'node:crypto';
import { ConnectionError } from '../core/errors/index.js';
import type { RedisConnection } from './connection.js';
import type { Keyspace } from './keyspace.js';
import { LUA_BODY } from './lua.generated.js';
import type { Op } from './op.js';
import { type RepeatOptions, repeatWhileAway } from './repeat-while-away.js';
import { callAndWait, needsReplicas, type ReplicaWait, type ScriptCall } from './replica-wait.js';
import { isOutOfMemory, isScriptUnknown, refusalIn } from './transient.js';

/** Finishing and reading must work when Redis is out of memory, and creating is what fails. */
const SHEBANG = { withinMemory: '#!lua\n', always: '#!lua flags=allow-oom\n' };

const CREATES: ReadonlySet<string> = new Set(['create_run', 'trigger_schedule']);

interface Script {
  readonly source: string;
  readonly sha: string;
}

type Scripts = Readonly<Record<keyof typeof SHEBANG, Script>>;

export interface RunnerOptions {
  /** A client's creates are refused when Redis is out of memory; a worker tries on. */
  readonly role: 'client' | 'worker';
  /** How long a call is sent again while Redis is away. */
  readonly giveUpAfterMs: number;
  /** Replicas that have to confirm creates and emissions. */
  readonly waitReplicas?: ReplicaWait;
}

/**
 * Sends operations to Redis in one script call, again and again until it answers: after a lost answer too, for every script may
 * run twice. Raw EVALSHA was measured faster than ioredis' `defineCommand`, and survives SCRIPT FLUSH.
 */
export class ScriptRunner {
  private scripts: Promise<Scripts> | undefined;
  private hasFlags = true;
  private readonly repeat: RepeatOptions = {
    giveUpAfterMs: () => this.options.giveUpAfterMs,
    gaveUp: (error, waitedMs) => this.gaveUp(error, waitedMs),
    isOver: () => this.connection.isOver,
    alsoPassing: (error) => isOutOfMemory(error) && this.options.role === 'worker',
  };

  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    private readonly options: RunnerOptions,
  ) {}

  /**
   * Answers one reply per operation; an error in its place when it was written and too few replicas have it.
   * @throws ConnectionError when Redis did not answer in time; the operations may have taken effect
   */
  async run(ops: ReadonlyArray<Op<unknown>>): Promise<unknown[]> {
    const args: Array<string | number> = [];
    for (const op of ops) {
      args.push(op.name, op.args.length);
      // Not spread: the arguments of a function are on the stack, and a run may have more than fit.
      for (const arg of op.args) args.push(arg);
    }
    const creates = this.options.role === 'client' && ops.some(({ name }) => CREATES.has(name));
    try {
      return await repeatWhileAway(() => this.send(creates ? 'withinMemory' : 'always', args, ops), this.repeat);
    } catch (error) {
      throw isOutOfMemory(error) ? outOfMemory(error) : error;
    }
  }

  private async send(limit: keyof Scripts, args: Array<string | number>, ops: ReadonlyArray<Op<unknown>>): Promise<unknown[]> {
    const { sha, source } = (await this.load())[limit];
    const redis = this.connection.commands;
    const { declared } = this.keys;
    const { waitReplicas } = this.options;
    const wait = waitReplicas && needsReplicas(ops) ? waitReplicas : undefined;
    const call = (command: 'evalsha' | 'eval', script: string) => {
      const request: ScriptCall = [script, declared.length, ...declared, ...args];
      return wait ? callAndWait(redis, command, request, ops, wait) : redis.call(command, request);
    };
    const replies = (await call('evalsha', sha).catch((error: unknown) => {
      if (!isScriptUnknown(error)) throw error;
      return call('eval', source);
    })) as unknown[];
    const refusal = this.hasFlags ? undefined : refusalIn(replies);
    if (refusal) throw refusal;
    return replies;
  }

  /** Redis before 7 knows no script flags and takes the first line for Lua. */
  private load(): Promise<Scripts> {
    this.scripts ??= this.connection.open().then(
      ({ major }) => {
        this.hasFlags = major >= 7;
        const withFirstLine = (line: string): Script => {
          const source = (this.hasFlags ? line : '') + LUA_BODY;
          return { source, sha: createHash('sha1').update(source).digest('hex') };
        };
        return { withinMemory: withFirstLine(SHEBANG.withinMemory), always: withFirstLine(SHEBANG.always) };
      },
      (error: unknown) => {
        this.scripts = undefined;
        throw error;
      },
    );
    return this.scripts;
  }

  private gaveUp(error: unknown, waitedMs: number): ConnectionError {
    if (this.connection.isClosed) return this.connection.closedError();
    return new ConnectionError(
      `${this.connection.address} did not answer for ${Math.round(waitedMs)} ms (${(error as Error).message}). The call may have taken effect: repeat it with the same runId or idempotencyKey.`,
      { cause: error },
    );
  }
}

function outOfMemory(cause: unknown): ConnectionError {
  return new ConnectionError(
    'Redis is out of memory: nothing was written. Raise maxmemory, or shorten the retention of ended runs.',
    {
      cause,
    },
  );
}
