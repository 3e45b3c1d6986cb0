import { createHash } from 'node:crypto';
import { ConnectionError } from '../core/errors/index.js';
import type { RedisClient, RedisConnection } from './connection.js';
import type { Keyspace } from './keyspace.js';
import { LUA_BODY } from './lua.generated.js';
import type { Op } from './op.js';
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
    // A client's creates are refused when Redis is out of memory; a worker tries on.
    const limit = this.connection.role === 'client' && ops.some(({ name }) => CREATES.has(name)) ? 'withinMemory' : 'always';
    const wait = this.waitReplicas && needsReplicas(ops) ? this.waitReplicas : undefined;
    try {
      return await this.connection.repeated(
        (redis, { major }) => this.send(redis, major >= 7, limit, args, ops, wait),
        wait?.timeoutMs,
      );
    } catch (error) {
      throw isOutOfMemory(error) ? outOfMemory(error) : error;
    }
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
    const replies = (await call('evalsha', sha).catch((error: unknown) => {
      if (!isScriptUnknown(error)) throw error;
      return call('eval', source);
    })) as unknown[];
    const refusal = hasFlags ? undefined : refusalIn(replies);
    if (refusal) throw refusal;
    return replies;
  }
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
