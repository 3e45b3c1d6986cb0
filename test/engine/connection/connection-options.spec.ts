import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { type ClientOptions, createClient, InvalidOptionError, startWorker } from '../../../lib/engine/index.js';
import { rejection, startEngine, whenTestEnds, workflow } from '../../support/engine.js';
import { testRedisUrl } from '../../support/namespace.js';

const noop = workflow('noop', () => undefined);

/** The error with which both a client and a worker refuse the options. */
async function refusal(options: object): Promise<InvalidOptionError> {
  let error: unknown;
  try {
    createClient(options);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InvalidOptionError);
  const ofWorker = await rejection(startWorker({ ...options, workflows: [noop] }));
  expect(ofWorker).toBeInstanceOf(InvalidOptionError);
  expect(ofWorker.message).toBe((error as Error).message);
  return error as InvalidOptionError;
}

/** Clients that never connect. */
const redis = (options: RedisOptions) => new Redis({ ...options, lazyConnect: true });
const cluster = (options: ClusterOptions) => new Cluster([{ host: 'a', port: 1 }], { ...options, lazyConnect: true });

describe('connection', () => {
  it.each<[string, unknown, string]>([
    ['an address', 'redis://user:secret@host:6379', 'An address is the option `url`, in place of `connection`.'],
    ['a list of nodes', [{ host: 'a', port: 1 }], 'A Redis Cluster is `connection: new Cluster([{ host, port }])`'],
    ['null', null, 'got null'],
    ['a number', 6379, 'got 6379'],
    ['a factory', () => redis({}), 'got a function'],
    ['a client of another package', { sendCommand: () => undefined }, 'Give its address as `url` instead.'],
  ])('refuses %s', async (_what, connection, message) => {
    const error = await refusal({ connection });
    expect(error.option).toBe('connection');
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('secret');
  });

  it.each<[string, object, string]>([
    ['url', { url: 'redis://user:secret@host' }, 'An address is the option `url`, in place of `connection`.'],
    ['nodes', { nodes: [] }, 'A Redis Cluster is `connection: new Cluster([{ host, port }])`'],
    ['rootNodes', { rootNodes: [] }, 'A Redis Cluster is `connection: new Cluster([{ host, port }])`'],
    ['socket', { socket: { host: 'a' } }, 'Write `host` and `port` without `socket`.'],
    ['database', { database: 1 }, 'Write `db`.'],
    ['prefix', { prefix: 'mine' }, 'Write `prefix` beside `connection`, not inside of it.'],
    ['pasword', { pasword: 'secret' }, "Did you mean 'password'?"],
    ['whatever', { whatever: 1 }, 'which takes the options of ioredis.'],
    ['keyPrefix', { keyPrefix: 'mine:' }, 'The option `prefix` beside `connection` does it.'],
    ['stringNumbers', { stringNumbers: true }, 'it changes the replies of Redis'],
    ['replyMapping', { replyMapping: 'resp3' }, 'it changes the replies of Redis'],
    ['monitor', { monitor: true }, 'it makes a connection that can do nothing else'],
    ['readOnly', { readOnly: true }, 'this connection could only read'],
    ['role', { sentinels: [{ host: 'a' }], name: 'm', role: 'slave' }, 'this connection could only read'],
    ['host', { host: '' }, "a host name or an IP address; got ''"],
    ['host', { host: null }, 'a host name or an IP address; got null'],
    ['host', { host: 'redis://user:secret@host' }, 'got an address with a scheme'],
    ['host', { host: 'redis:6379' }, 'The option `port` has it.'],
    ['port', { port: Number.NaN }, 'an integer from 1 to 65535; got NaN'],
    ['port', { port: 'redis' }, "an integer from 1 to 65535; got 'redis'"],
    ['port', { port: 0 }, 'an integer from 1 to 65535; got 0'],
    ['db', { db: -1 }, 'an integer of at least 0; got -1'],
    ['db', { db: 'runs' }, "an integer of at least 0; got 'runs'"],
    ['path', { path: '' }, "the path of a socket; got ''"],
    ['sentinels', { sentinels: [], name: 'm' }, 'a list of at least one { host, port }'],
    ['sentinels', { sentinels: ['a:26379'], name: 'm' }, 'a list of at least one { host, port }'],
    ['sentinels', { sentinels: [{ host: 'a:26379' }], name: 'm' }, 'The option `port` has it.'],
    ['name', { sentinels: [{ host: 'a' }] }, 'such as "mymaster"'],
  ])('refuses %s in %j', async (option, connection, message) => {
    const error = await refusal({ connection });
    expect(error.option).toBe(`connection.${option}`);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('secret');
  });

  it.each<[string, () => Redis | Cluster]>([
    ['options.keyPrefix', () => redis({ keyPrefix: 'mine:' })],
    ['options.stringNumbers', () => redis({ stringNumbers: true })],
    ['options.replyMapping', () => redis({ replyMapping: 'resp3' })],
    ['options.monitor', () => redis({ monitor: true })],
    ['options.readOnly', () => redis({ readOnly: true })],
    ['options.role', () => redis({ sentinels: [{ host: 'a' }], name: 'm', role: 'slave' })],
    ['options.keyPrefix', () => cluster({ keyPrefix: 'mine:' })],
    ['options.keyPrefix', () => cluster({ redisOptions: { keyPrefix: 'mine:' } })],
    ['options.scaleReads', () => cluster({ scaleReads: 'slave' })],
    ['options.scaleReads', () => cluster({ scaleReads: (nodes: Redis[]) => nodes[0] })],
    ['options.redisOptions.stringNumbers', () => cluster({ redisOptions: { stringNumbers: true } })],
    ['options.redisOptions.replyMapping', () => cluster({ redisOptions: { replyMapping: 'resp3' } })],
  ])('refuses a client with %s', async (option, make) => {
    const connection = make();
    whenTestEnds(async () => connection.disconnect());
    expect((await refusal({ connection })).option).toBe(`connection.${option}`);
  });

  it('accepts all that a client of ioredis says of itself, numbers as text, and undefined', async () => {
    const { hostname: host, port } = new URL(testRedisUrl());
    const own = redis({});
    whenTestEnds(async () => own.disconnect());
    const connection = { ...own.options, host, port: port as never, db: '0' as never, password: undefined };
    const engine = await startEngine({ workflows: [noop], worker: { connection }, client: { connection } });
    expect(await (await engine.client.run(noop, undefined)).result()).toBeUndefined();
  });

  it('makes nobody look at the address of the environment', () => {
    process.env.REDIS_URL = '';
    expect(() => createClient({ connection: { host: 'a' } })).not.toThrow();
  });
});

describe('url', () => {
  it.each<[string, string]>([
    ['redis:///run/redis.sock', 'The socket of a Unix domain is unix:///run/redis.sock'],
    ['redis://', 'it names no host'],
    ['redis://host/runs', 'whose path is the number of a database, such as redis://127.0.0.1:6379/2'],
    ['redis://host/1/2', 'whose path is the number of a database'],
    ['redis://user:sec#ret@host', 'encodeURIComponent()'],
    ['redis://a:1,b:2', 'encodeURIComponent()'],
    ['valkey://host', 'a redis:// or rediss:// address'],
    ['host:6379', 'a redis:// or rediss:// address'],
    ['', 'it is empty'],
    ['redis://host?keyPrefix=mine:', 'The option `prefix` beside `connection` does it.'],
    ['redis://host?stringNumbers=false', 'it changes the replies of Redis'],
    ['redis://host?ssl=true', 'ioredis has no such option'],
  ])('refuses %j', async (url, message) => {
    const error = await refusal({ url });
    expect(error.option).toBe('url');
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('sec#ret');
  });

  it.each([
    'redis://host',
    'rediss://user:p%23ss@host:1/',
    'redis://host/3?family=6',
    'unix:///run/redis.sock?db=2',
    'redis://[::1]:6379',
  ])('accepts %j', (url) => {
    expect(() => createClient({ url })).not.toThrow();
  });
});

describe('an environment variable', () => {
  const names = ['REDIS_URL', 'REDFLOW_PREFIX', 'REDFLOW_APP', 'REDFLOW_RUN_RETENTION_DAYS'];
  const before = { ...process.env };
  afterEach(() => {
    for (const name of names) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  it.each(names)('that is set but empty is named: %s', async (name) => {
    process.env[name] = '';
    expect((await refusal({})).message).toContain(`environment variable ${name}`);
  });

  it('that is wrong is named, and its value is not shown', async () => {
    process.env.REDIS_URL = 'http://user:secret@host';
    const error = await refusal({});
    expect(error).toMatchObject({ option: 'REDIS_URL' });
    expect(error.message).not.toContain('secret');
    const given: ClientOptions = { url: testRedisUrl() };
    expect(() => createClient(given)).not.toThrow();
  });
});
