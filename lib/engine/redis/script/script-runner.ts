import { createHash } from 'node:crypto';
import { ConnectionError } from '../../core/errors/index.js';
import type { RedisClient, RedisConnection } from '../connection/connection.js';
import { isOutOfMemory, isScriptUnknown, refusalIn } from '../connection/transient.js';
import type { Keyspace } from '../keyspace.js';
import { type CallInterception, callIntercepted } from './intercepted-call.js';
import { LUA_BODY } from './lua.generated.js';
import type { Op } from './op.js';
import { callAndWait, needsReplicas, type ReplicaWait, type ScriptCall } from './replica-wait.js';

/** Whether Redis refuses a call when it is out of memory. */
const SHEBANG = { withinMemory: '#!lua\n', always: '#!lua flags=allow-oom\n' };

interface Script {
  readonly source: string;
  readonly sha: string;
}

type Scripts = Readonly<Record<keyof typeof SHEBANG, Script>>;

/** Redis before 7 knows no script flags and takes the first line for Lua. */
const SCRIPTS = { withFlags: lazily(() => scripts(true)), withoutFlags: lazily(() => scripts(false)) };

/**
 * Sends operations to Redis in one script call, again and again until it answers: after a lost answer too, for every script may
 * run twice. Raw EVALSHA was measured faster than ioredis' `defineCommand`, and survives SCRIPT FLUSH.
 */
export class ScriptRunner {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
    /** Replicas that have to confirm creates and emissions. */
    private readonly waitReplicas?: ReplicaWait,
    private readonly interception?: CallInterception,
  ) {}

  /**
   * Answers one reply per operation; an error in its place when Redis was out of memory for it, or too few replicas have what it wrote.
   * Operations that may be refused are not to be sent with others, which would be refused with them.
   * @throws ConnectionError when Redis did not answer in time; the operations may have taken effect
   */
  run(ops: ReadonlyArray<Op<unknown>>): Promise<unknown[]> {
    if (!this.interception) return this.call(ops);
    const call = { names: ops.map(({ name }) => name), role: this.connection.role };
    return callIntercepted(this.interception, call, () => this.call(ops));
  }

  private async call(ops: ReadonlyArray<Op<unknown>>): Promise<unknown[]> {
    const args: Array<string | number> = [];
    for (const op of ops) {
      args.push(op.name, op.args.length);
      // Not spread: the arguments of a function are on the stack, and a run may have more than fit.
      for (const arg of op.args) args.push(arg);
    }
    const limit = ops.some(({ isRefusable }) => isRefusable) ? 'withinMemory' : 'always';
    // Redis before 7 has no flags and refuses all that writes. A worker, which has runs in hand, tries on.
    const triesOn = limit === 'always' && this.connection.role === 'worker';
    const wait = this.waitReplicas && needsReplicas(ops) ? this.waitReplicas : undefined;
    return this.connection.repeated(async (redis, { major }) => {
      try {
        const replies = await this.send(redis, major >= 7, limit, args, ops, wait);
        return major >= 7 ? replies : oneByOne(replies, triesOn);
      } catch (error) {
        if (triesOn || !isOutOfMemory(error)) throw error;
        return ops.map(() => outOfMemory(error));
      }
    }, wait?.timeoutMs);
  }

  private async send(
    redis: RedisClient,
    hasFlags: boolean,
    limit: keyof Scripts,
    args: Array<string | number>,
    ops: ReadonlyArray<Op<unknown>>,
    wait: ReplicaWait | undefined,
  ): Promise<unknown[]> {
    const { sha, source } = (hasFlags ? SCRIPTS.withFlags() : SCRIPTS.withoutFlags())[limit];
    const { declared } = this.keys;
    const call = (command: 'evalsha' | 'eval', script: string) => {
      const request: ScriptCall = [script, declared.length, ...declared, ...args];
      return wait ? callAndWait(redis, command, request, ops, wait) : redis.call(command, request);
    };
    return (await call('evalsha', sha).catch((error: unknown) => {
      if (!isScriptUnknown(error)) throw error;
      return call('eval', source);
    })) as unknown[];
  }
}

/**
 * Replies of a Redis that refuses inside of a script, each operation by itself.
 * @throws what it refused with, if the whole call is to be repeated
 */
function oneByOne(replies: readonly unknown[], triesOn: boolean): unknown[] {
  return replies.map((reply) => {
    const refusal = refusalIn([reply]);
    if (!refusal) return reply;
    if (triesOn || !isOutOfMemory(refusal)) throw refusal;
    return outOfMemory(refusal);
  });
}

function scripts(hasFlags: boolean): Scripts {
  const withFirstLine = (line: string): Script => {
    const source = (hasFlags ? line : '') + LUA_BODY;
    return { source, sha: createHash('sha1').update(source).digest('hex') };
  };
  return { withinMemory: withFirstLine(SHEBANG.withinMemory), always: withFirstLine(SHEBANG.always) };
}

function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function outOfMemory(cause: unknown): ConnectionError {
  return new ConnectionError(
    'Redis is out of memory: nothing was written. Raise maxmemory, or shorten the retention of ended runs.',
    {
      cause,
    },
  );
}
