import { createHash } from 'node:crypto';
import { InvalidOptionError, RedisPermissionError } from '../../core/errors/index.js';
import type { Keyspace } from '../keyspace.js';
import { LUA_COMMANDS } from './lua-commands.generated.js';
import { isCluster, type RedisClient } from './redis-client.js';
import type { Role } from './transient.js';

type LuaCommand = (typeof LUA_COMMANDS)[number];
/** What the connections call outside of scripts, and scripts may call as well. */
type DirectCommand = 'HGET' | 'HKEYS' | 'HSCAN' | 'HVALS';

/** A harmless call of each command that reads: K is the key of the test. */
const READS = {
  EXISTS: 'EXISTS K',
  GET: 'GET K',
  HEXISTS: 'HEXISTS K f',
  HGET: 'HGET K f',
  HGETALL: 'HGETALL K',
  HKEYS: 'HKEYS K',
  HLEN: 'HLEN K',
  HMGET: 'HMGET K f',
  HRANDFIELD: 'HRANDFIELD K',
  HSCAN: 'HSCAN K 0',
  HSTRLEN: 'HSTRLEN K f',
  HVALS: 'HVALS K',
  LRANGE: 'LRANGE K 0 0',
  'MEMORY USAGE': 'MEMORY USAGE K',
  'OBJECT ENCODING': 'OBJECT ENCODING K',
  SCARD: 'SCARD K',
  SISMEMBER: 'SISMEMBER K m',
  SINTER: 'SINTER K K',
  SMEMBERS: 'SMEMBERS K',
  SRANDMEMBER: 'SRANDMEMBER K',
  SSCAN: 'SSCAN K 0',
  TIME: 'TIME',
  ZCARD: 'ZCARD K',
  ZCOUNT: 'ZCOUNT K 0 0',
  ZRANGE: 'ZRANGE K 0 0',
  ZRANGEBYLEX: 'ZRANGEBYLEX K - +',
  ZRANGEBYSCORE: 'ZRANGEBYSCORE K 0 0',
  ZREVRANGEBYLEX: 'ZREVRANGEBYLEX K + -',
  ZREVRANGEBYSCORE: 'ZREVRANGEBYSCORE K 0 0',
  ZSCORE: 'ZSCORE K m',
} as const;

/**
 * And of each that writes, in this order: the key is a string that ends by itself, so that all but the first and the last are refused for
 * its type, after the ACL was asked.
 */
const WRITES = {
  SET: 'SET K v PX 1000',
  HDEL: 'HDEL K f',
  HINCRBY: 'HINCRBY K f 1',
  HSET: 'HSET K f v',
  HSETNX: 'HSETNX K f v',
  LPOP: 'LPOP K',
  LPUSH: 'LPUSH K v',
  LTRIM: 'LTRIM K 0 0',
  RPUSH: 'RPUSH K v',
  SADD: 'SADD K m',
  SPOP: 'SPOP K',
  SREM: 'SREM K m',
  ZADD: 'ZADD K 1 m',
  ZPOPMIN: 'ZPOPMIN K',
  ZREM: 'ZREM K m',
  ZREMRANGEBYSCORE: 'ZREMRANGEBYSCORE K 0 0',
  PERSIST: 'PERSIST K',
  PEXPIRE: 'PEXPIRE K 1000',
  DEL: 'DEL K',
  UNLINK: 'UNLINK K',
} as const;

const CALLS = { ...READS, PUBLISH: 'PUBLISH C x', ...WRITES } satisfies Record<LuaCommand | DirectCommand, string>;

/** Answers name and refusal, in turn, of the commands that were refused. */
const SCRIPT = `
local refused = {}
for _, line in ipairs(ARGV) do
  local call = {}
  for word in string.gmatch(line, '%S+') do
    if word == 'K' then word = KEYS[1] .. ':selftest' end
    if word == 'C' then word = KEYS[1] .. ':selftest' end
    call[#call + 1] = word
  end
  local reply = redis.pcall(unpack(call))
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = line
    refused[#refused + 1] = reply.err
  end
end
return refused
`;

/** As ACLs of Redis 6.2 to 8 and Valkey say it, inside of a script and outside. */
const REFUSALS = {
  commands: /can't run this command|permissions to run/,
  keys: /can't access at least one of the keys|permissions to access (?:one of the keys|a key)/,
  channels: /can't publish to the channel|permissions to access (?:one of the channels|a channel)/,
  unknown: /unknown (?:redis |sub)?command/i,
};

/** What a test found to be refused. */
class Findings {
  readonly commands = new Set<string>();
  readonly unknown = new Set<string>();
  keys = false;
  channels = false;

  /** @returns whether it is a refusal at all */
  note(command: string, message: string): boolean {
    if (REFUSALS.commands.test(message)) this.commands.add(command);
    else if (REFUSALS.unknown.test(message)) this.unknown.add(command);
    else if (REFUSALS.keys.test(message)) this.keys = true;
    else if (REFUSALS.channels.test(message)) this.channels = true;
    else return false;
    return true;
  }

  get isEmpty(): boolean {
    return !this.keys && !this.channels && this.commands.size === 0 && this.unknown.size === 0;
  }

  /** Reading is all that the user may do: its first write is refused, before anything was written. */
  get isReader(): boolean {
    return Object.keys(WRITES).every((command) => this.commands.has(command));
  }
}

export interface SelfTest {
  readonly keys: Keyspace;
  readonly role: Role;
  /** Whether calls wait for replicas. */
  readonly waits?: boolean;
  /** For messages. */
  readonly address: string;
}

/**
 * Makes a harmless call of every command that the engine needs, so that what an ACL refuses is told at boot: a transition whose last
 * command is refused has written the others. A client whose user may read only is let pass.
 * @throws RedisPermissionError; InvalidOptionError when the server is a node of a cluster and the keys are elsewhere; else what Redis says
 */
export async function selfTest(redis: RedisClient, { keys, role, waits, address }: SelfTest): Promise<void> {
  const found = new Findings();
  const { declared, root } = keys;
  const noting = (command: string, call: Promise<unknown>): Promise<unknown> =>
    call.catch((error: Error) => {
      if (error.message.startsWith('MOVED')) throw otherNode(address, keys.prefix);
      if (!found.note(command, error.message)) throw error;
    });
  const sha = createHash('sha1').update(SCRIPT).digest('hex');
  const cached = noting('EVALSHA', redis.evalsha(sha, 1, root).catch(unlessUnknownScript));
  const tests = [cached, noting('EVAL', redis.eval(SCRIPT, declared.length, ...declared, ...Object.values(CALLS)))];
  // Redis 6.2 rounds a millisecond down to 0, which blocks for ever.
  if (role === 'worker') tests.push(noting('BLPOP', redis.blpop(`${root}:selftest`, 0.01)));
  if (waits) tests.push(noting('WAIT', redis.wait(0, 1)));
  const [, refused] = await Promise.all(tests);
  const isInside = Array.isArray(refused);
  if (isInside) for (let i = 0; i < refused.length; i += 2) found.note(nameOf(refused[i]), refused[i + 1]);
  // What was not tried may be refused as well.
  else for (const command of Object.keys(CALLS)) found.commands.add(command);
  if (found.isEmpty || (role === 'client' && isInside && found.isReader)) return;
  throw refusalOf(found, userOf(redis), keys, address);
}

/**
 * Subscribes on a connection of its own, as a client does that awaits results.
 * @throws as {@link selfTest}
 */
export async function testSubscription(redis: RedisClient, { keys, address }: SelfTest): Promise<void> {
  await redis.subscribe(`${keys.root}:selftest`).catch((error: Error) => {
    const found = new Findings();
    if (!found.note('SUBSCRIBE', error.message)) throw error;
    throw refusalOf(found, userOf(redis), keys, address);
  });
}

function nameOf(line: string): string {
  return Object.entries(CALLS).find(([, call]) => call === line)?.[0] ?? line;
}

function unlessUnknownScript(error: Error): void {
  if (!error.message.startsWith('NOSCRIPT')) throw error;
}

function userOf(redis: RedisClient): string {
  const { username } = (isCluster(redis) ? redis.options.redisOptions : redis.options) as { username?: string };
  return username || 'default';
}

function refusalOf(
  { commands, keys: hasNoKeys, channels, unknown }: Findings,
  user: string,
  { root }: Keyspace,
  address: string,
) {
  const pattern = root.replace(/[\\*?[\]^]/g, '\\$&');
  const rights = [
    ...(hasNoKeys ? [`~${pattern}*`] : []),
    ...(channels ? [`&${pattern}:*`] : []),
    ...[...commands].map((command) => `+${command.toLowerCase().replace(' ', '|')}`),
  ];
  return new RedisPermissionError({ user, rights, unknown: [...unknown], address });
}

function otherNode(address: string, prefix: string): InvalidOptionError {
  return new InvalidOptionError(
    'connection',
    `${address} is one node of a Redis Cluster, and the keys of prefix "${prefix}" are on another. ` +
      'Write `connection: new Cluster([{ host, port }])`, with Cluster of ioredis.',
  );
}
