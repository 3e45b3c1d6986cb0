import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { RedisPermissionError } from '../../../lib/engine/core/errors/index.js';
import { LUA_COMMANDS } from '../../../lib/engine/redis/connection/lua-commands.generated.js';
import { selfTest, testSubscription } from '../../../lib/engine/redis/connection/self-test.js';
import { Keyspace } from '../../../lib/engine/redis/keyspace.js';
import { rejection } from '../../support/engine.js';
import { plainClient, privateRedis } from '../../support/engine-room.js';

const keys = new Keyspace('redflow:v1');
const address = 'Redis at a:1 (option "url")';
const EVERYTHING = ['reset', 'on', '>secret', '~{redflow:v1}*', 'resetchannels', '&{redflow:v1}:*', '+@all'];

/** A Redis of its own, and what its user "app" finds there once it has these rights. */
async function room() {
  const server = await privateRedis();
  const admin = plainClient(server.url);
  const test = async (role: 'client' | 'worker', ...rights: string[]): Promise<unknown> => {
    const redis = await login(admin, server.url, ...rights);
    return selfTest(redis, { keys, role, address }).then(
      () => 'passes',
      (error: unknown) => error,
    );
  };
  return { admin, url: server.url, test };
}

async function login(admin: Redis, url: string, ...rights: string[]): Promise<Redis> {
  await admin.call('ACL', 'SETUSER', 'app', ...rights);
  return plainClient(url.replace('redis://', 'redis://app:secret@'));
}

describe('selfTest()', () => {
  it('passes for one who may do everything, and leaves nothing behind', async () => {
    const { admin, test } = await room();
    expect(await test('worker', ...EVERYTHING)).toBe('passes');
    expect(await test('client', ...EVERYTHING)).toBe('passes');
    expect(await admin.keys('*')).toEqual([]);
  });

  it('names each command of the scripts, and of the connections, that is refused', async () => {
    const { test } = await room();
    for (const command of [...LUA_COMMANDS, 'HSCAN', 'HVALS', 'BLPOP', 'EVALSHA']) {
      const [name] = command.toLowerCase().split(' ');
      // Redis 6.2 can refuse no subcommand alone.
      expect(await test('worker', ...EVERYTHING, `-${name}`)).toMatchObject({
        name: 'RedisPermissionError',
        rights: [`+${command.toLowerCase().replace(' ', '|')}`],
      });
    }
  });

  it('names what was not tried, too, when scripts are refused', async () => {
    const { test } = await room();
    const error = (await test('worker', ...EVERYTHING, '-@all', '+info')) as RedisPermissionError;
    expect(new Set(error.rights)).toEqual(
      new Set(
        ['EVAL', 'EVALSHA', 'BLPOP', 'HSCAN', 'HVALS', ...LUA_COMMANDS].map((name) => `+${name.toLowerCase().replace(' ', '|')}`),
      ),
    );
  });

  it.each([
    ['no channels', ['resetchannels'], ['&{redflow:v1}:*']],
    ['other channels', ['resetchannels', '&news:*'], ['&{redflow:v1}:*']],
    ['keys without the root', ['resetkeys', '~{redflow:v1}:*'], ['~{redflow:v1}*']],
    ['other keys', ['resetkeys', '~redflow:*'], ['~{redflow:v1}*']],
  ])('names the pattern that a user with %s lacks', async (_what, rights, missing) => {
    const { test } = await room();
    const error = (await test('worker', ...EVERYTHING, ...rights)) as RedisPermissionError;
    expect(error).toBeInstanceOf(RedisPermissionError);
    expect(error.rights).toEqual(expect.arrayContaining(missing));
    expect(await test('worker', ...error.rights)).toBe('passes');
  });

  it('escapes what a pattern would take for more than itself', async () => {
    const { admin, url } = await room();
    const redis = await login(admin, url, ...EVERYTHING, 'resetchannels');
    const strange = new Keyspace('a*[b]?\\^');
    const error = await rejection(selfTest(redis, { keys: strange, role: 'client', address }));
    const { rights } = error as RedisPermissionError;
    expect(rights).toContain('~{a\\*\\[b\\]\\?\\\\\\^}*');
    await admin.call('ACL', 'SETUSER', 'app', ...rights);
    await selfTest(redis, { keys: strange, role: 'client', address }).catch(async (again: RedisPermissionError) => {
      expect(again.rights).toEqual(['&{a\\*\\[b\\]\\?\\\\\\^}:*']);
      await admin.call('ACL', 'SETUSER', 'app', ...again.rights);
      await selfTest(redis, { keys: strange, role: 'client', address });
    });
  });

  it('lets a client read that may only read, and no worker', async () => {
    const { test } = await room();
    const reader = [...EVERYTHING, '-@all', '+@read', '+@scripting', '+@connection', '+info', '+time', '+publish'];
    expect(await test('client', ...reader)).toBe('passes');
    expect(await test('worker', ...reader)).toBeInstanceOf(RedisPermissionError);
    expect(await test('client', ...reader, '+hset')).toBeInstanceOf(RedisPermissionError);
  });

  it('asks for WAIT only where replicas are waited for', async () => {
    const { admin, url, test } = await room();
    expect(await test('client', ...EVERYTHING, '-wait')).toBe('passes');
    const waiting = selfTest(await login(admin, url), { keys, role: 'client', waits: true, address });
    expect(await rejection(waiting)).toMatchObject({ rights: ['+wait'] });
  });

  it('says which user it is, and how to grant what it lacks', async () => {
    const { test } = await room();
    expect(((await test('worker', ...EVERYTHING, '-publish')) as Error).message).toBe(
      `User "app" lacks rights at ${address} that runs need. Grant them: ACL SETUSER app +publish`,
    );
  });
});

describe('testSubscription()', () => {
  it.each([
    [['-subscribe'], '+subscribe'],
    [['resetchannels'], '&{redflow:v1}:*'],
  ])('is refused to a user with %j', async (rights, missing) => {
    const { admin, url } = await room();
    const redis = await login(admin, url, ...EVERYTHING, ...rights);
    expect(await rejection(testSubscription(redis, { keys, role: 'client', address }))).toMatchObject({ rights: [missing] });
    await admin.call('ACL', 'SETUSER', 'app', missing);
    await testSubscription(await login(admin, url), { keys, role: 'client', address });
  });
});

describe('LUA_COMMANDS', () => {
  it('has every command that the scripts name', () => {
    const generated = readFileSync(new URL('../../../lib/engine/redis/script/lua.generated.ts', import.meta.url), 'utf8');
    const named = [...generated.matchAll(/\bp?call\('([A-Z]+)'/g)].map(([, name]) => name);
    const known = new Set(LUA_COMMANDS.map((name) => name.split(' ')[0]));
    expect(named.length).toBeGreaterThan(500);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});
