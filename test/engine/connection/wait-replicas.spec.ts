import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import {
  type ClientOptions,
  ConnectionError,
  createClient,
  InvalidOptionError,
  type RedflowClient,
  ReplicationError,
  startWorker,
} from '../../../lib/engine/index.js';
import { startRedis } from '../../../lib/testing/index.js';
import { RecordingLogger, rejection, whenTestEnds, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { startLossyProxy } from '../../support/lossy-proxy.js';

const nightly = workflow('nightly', () => 'done', { cron: [{ id: 'night', expression: '0 0 1 1 *' }] });

const limited = workflow('limited', () => 'done', { rateLimit: { limit: 1, period: '1h' } });

class Pair {
  constructor(
    readonly primary: Redis,
    readonly replica: Redis,
    private readonly url: string,
    private readonly replicaPid: number,
  ) {}

  client(waitReplicas: ClientOptions['waitReplicas']): RedflowClient {
    const client = createClient({ ...this.options, waitReplicas });
    whenTestEnds(() => client.close());
    return client;
  }

  get options() {
    return { url: this.url, prefix: 'redflow-test:pair', logger: new RecordingLogger() };
  }

  freeze(): void {
    process.kill(this.replicaPid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.replicaPid, 'SIGCONT');
  }

  private published: number | undefined;

  /** How often Redis was asked to wait, each time with a write of its own before. */
  async waits(): Promise<number> {
    const stats = await this.primary.info('commandstats');
    const calls = (name: string) => Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
    // Clients that do not wait publish as well, when they connect.
    this.published ??= calls('publish') - calls('wait');
    expect(calls('publish')).toBe(calls('wait') + this.published);
    return calls('wait');
  }
}

/** A Redis with one replica that is up to date. */
async function startPair(): Promise<Pair> {
  const [first, second] = await Promise.all([startRedis({ appendonly: false }), startRedis({ appendonly: false })]);
  const [primary, replica] = [new Redis(first.url), new Redis(second.url)];
  const pair = new Pair(primary, replica, first.url, second.pid as number);
  whenTestEnds(async () => {
    pair.thaw();
    primary.disconnect();
    replica.disconnect();
    await Promise.all([first.stop(), second.stop()]);
  });
  await primary.config('SET', 'repl-diskless-sync-delay', '0');
  await replica.replicaof('127.0.0.1', first.port);
  await eventually(async () => (await primary.info('replication')).includes('state=online'));
  return pair;
}

const runs = async (redis: Redis): Promise<number> => (await redis.keys('{redflow-test:pair}:run:*')).length;

describe('waitReplicas', () => {
  it('lets creates and emissions return when the replica has them, with one wait per call', async () => {
    const pair = await startPair();
    const client = pair.client({ count: 1, timeout: '5s' });
    const reader = pair.client(undefined);
    await reader.connect();
    await client.run(nightly, undefined);
    expect(await runs(pair.replica)).toBe(1);
    // Both scripts are known from here on: a call with an unknown one is made twice.
    await client.emitEvent('told', 1);
    const before = await pair.waits();
    await client.runMany(
      nightly,
      Array.from({ length: 50 }, () => ({ input: undefined })),
    );
    expect(await runs(pair.replica)).toBe(51);
    expect(await pair.waits()).toBe(before + 1);
    await client.emitEvent('told', 1, { eventId: 'e1' });
    expect(await pair.replica.exists('{redflow-test:pair}:event:e1')).toBe(1);
    expect(await pair.waits()).toBe(before + 2);
    await client.listRuns();
    await client.cancelRun((await client.listRuns()).items[0].id);
    expect(await pair.waits()).toBe(before + 2);
    expect((await reader.listRuns()).items).toHaveLength(50);
    expect(await pair.waits()).toBe(before + 2);
  });

  it('is an error when the replica does not answer; the run is there all the same, and can be confirmed later', async () => {
    const pair = await startPair();
    const client = pair.client({ count: 1, timeout: 100 });
    const worker = await startWorker({ ...pair.options, workflows: [nightly], queues: ['idle'] });
    whenTestEnds(() => worker.stop());
    pair.freeze();
    const [created, read] = await Promise.all([rejection(client.run(nightly, undefined, { runId: 'r1' })), client.getRun('r1')]);
    expect(created).toBeInstanceOf(ReplicationError);
    expect(created).toMatchObject({ code: 'REPLICATION', id: 'r1', confirmed: 0, expected: 1 });
    expect(read ?? (await client.getRun('r1'))).toMatchObject({ id: 'r1', status: 'queued' });
    expect(await rejection(client.run(nightly, undefined, { runId: 'r1' }))).toMatchObject({ code: 'REPLICATION', id: 'r1' });
    expect(await rejection(pair.client({ count: 1, timeout: 50 }).run(nightly, undefined, { runId: 'r1' }))).toMatchObject({
      code: 'REPLICATION',
    });
    expect(await rejection(client.runMany(nightly, [{ input: undefined }]))).toMatchObject({ code: 'REPLICATION' });
    expect(await rejection(client.emitEvent('told', 1, { eventId: 'e1' }))).toMatchObject({ code: 'REPLICATION', id: 'e1' });
    const triggered = (await rejection(client.triggerSchedule('night'))) as ReplicationError;
    expect(triggered).toMatchObject({ code: 'REPLICATION' });
    expect(await client.getRun(triggered.id)).toMatchObject({ scheduleId: 'night' });
    expect(await rejection(client.triggerSchedule('no'))).toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
    // Nothing was written that a replica could have.
    await rejection(client.run(limited, undefined));
    expect(await rejection(client.run(limited, undefined))).toMatchObject({ code: 'RATE_LIMITED' });
    pair.thaw();
    const patient = pair.client({ count: 1, timeout: '10s' });
    expect(await patient.run(nightly, undefined, { runId: 'r1' })).toMatchObject({ id: 'r1', deduplicated: true });
    expect(await pair.replica.exists('{redflow-test:pair}:run:r1')).toBe(1);
  });

  it('says how many replicas have it', async () => {
    const pair = await startPair();
    const client = pair.client({ count: 2, timeout: 1_000 });
    expect(await rejection(client.run(nightly, undefined))).toMatchObject({ confirmed: 1, expected: 2 });
  });

  it('holds after the server has forgotten the script', async () => {
    const pair = await startPair();
    const client = pair.client({ count: 1, timeout: '5s' });
    await client.run(nightly, undefined);
    await pair.primary.script('FLUSH');
    await client.run(nightly, undefined);
    expect(await runs(pair.replica)).toBe(2);
  });

  it('is repeated when the connection goes while it waits', async () => {
    const pair = await startPair();
    const proxy = await startLossyProxy(pair.options.url);
    whenTestEnds(() => proxy.close());
    const client = createClient({ ...pair.options, url: proxy.url, waitReplicas: { count: 1, timeout: '5s' } });
    whenTestEnds(() => client.close());
    await client.run(nightly, undefined);
    const lost = proxy.dropReplyTo(/\r\nwait\r\n/i);
    const handle = await client.run(nightly, undefined);
    await lost;
    expect(await pair.replica.exists(`{redflow-test:pair}:run:${handle.id}`)).toBe(1);
    expect(await runs(pair.replica)).toBe(2);
  });

  it('fails with a ConnectionError when the connection goes for good', async () => {
    const pair = await startPair();
    const proxy = await startLossyProxy(pair.options.url);
    const client = createClient({
      ...pair.options,
      url: proxy.url,
      giveUpAfterMs: 300,
      waitReplicas: { count: 1, timeout: '5s' },
    });
    whenTestEnds(() => client.close());
    await client.run(nightly, undefined);
    const lost = proxy.dropReplyTo(/\r\nwait\r\n/i).then(() => proxy.close());
    expect(await rejection(client.run(nightly, undefined))).toBeInstanceOf(ConnectionError);
    await lost;
  });

  it.each([
    ['waitReplicas.count', { count: 0, timeout: 5 }],
    ['waitReplicas.count', { count: 1.5, timeout: 5 }],
    ['waitReplicas.timeout', { count: 1, timeout: 0 }],
    ['waitReplicas.timeout', { count: 1, timeout: 'soon' }],
    ['waitReplicas.timeout', { count: 1, timeout: '11s' }],
    ['waitReplicas.timeout', { count: 1 }],
    ['replicas', { count: 1, timeout: 5, replicas: 1 }],
  ])('is refused for %s in %j', (option, waitReplicas) => {
    const error = refusal({ waitReplicas: waitReplicas as ClientOptions['waitReplicas'] });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
  });

  it('is refused for a cluster', () => {
    const connection = new Cluster(['redis://127.0.0.1:1'], { lazyConnect: true });
    const error = refusal({ connection, waitReplicas: { count: 1, timeout: 5 } });
    expect(error).toMatchObject({ option: 'waitReplicas', message: expect.stringContaining('WAIT names no key') });
    connection.disconnect();
  });
});

function refusal(options: ClientOptions): unknown {
  try {
    createClient({ logger: new RecordingLogger(), ...options });
  } catch (error) {
    return error;
  }
  return undefined;
}
