import { describe, expect, it } from '@jest/globals';
import {
  type CreateOptions,
  createClient,
  createRegistry,
  defineWorkflow,
  InvalidOptionError,
  type RunFilter,
  type StartWorkerOptions,
  startWorker,
} from '../../../lib/engine/index.js';
import { RecordingLogger, rejection, startEngine, workflow } from '../../support/engine.js';
import { expectNoKeys, testPrefix, testRedisUrl } from '../../support/namespace.js';

const noop = workflow('noop', () => undefined);
const bytes = (count: number) => 'x'.repeat(count);

describe('create options', () => {
  it.each<[string, object]>([
    ['priority', { priority: -1 }],
    ['priority', { priority: 10 }],
    ['priority', { priority: 1.5 }],
    ['priority', { priority: '5' }],
    ['priority', { priority: Number.NaN }],
    ['maxAttempts', { maxAttempts: 0 }],
    ['maxAttempts', { maxAttempts: 1.5 }],
    ['maxAttempts', { maxAttempts: Number.POSITIVE_INFINITY }],
    ['tags', { tags: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`t${i}`, ''])) }],
    ['tags', { tags: { a: 1 } }],
    ['tags', { tags: { a: undefined } }],
    ['tags', { tags: { '': 'a' } }],
    ['tags', { tags: { [bytes(65)]: 'a' } }],
    ['tags', { tags: { a: bytes(257) } }],
    ['tags', { tags: { a: 'ä'.repeat(129) } }],
    ['tags', { tags: ['a'] }],
    ['tags', { tags: null }],
    ['queue', { queue: '' }],
    ['queue', { queue: bytes(129) }],
    ['queue', { queue: 'ä'.repeat(65) }],
    ['queue', { queue: 'a\nb' }],
    ['queue', { queue: 5 }],
    ['runId', { runId: '' }],
    ['runId', { runId: bytes(129) }],
    ['runId', { runId: 'a\0b' }],
    ['runId', { runId: '\uD83C' }],
    ['idempotencyKey', { idempotencyKey: '' }],
    ['idempotencyKey', { idempotencyKey: bytes(513) }],
    ['idempotencyKey', { idempotencyKey: 'ä'.repeat(257) }],
    ['idempotencyTtl', { idempotencyKey: 'k', idempotencyTtl: 0 }],
    ['idempotencyTtl', { idempotencyKey: 'k', idempotencyTtl: -1 }],
    ['idempotencyTtl', { idempotencyKey: 'k', idempotencyTtl: Number.NaN }],
    ['idempotencyTtl', { idempotencyKey: 'k', idempotencyTtl: 'soon' }],
    ['idempotencyTtl', { idempotencyTtl: 'soon' }],
    ['onConflict', { onConflict: 'ignore' }],
    ['runAt', { runAt: Number.NaN }],
    ['runAt', { runAt: Number.NEGATIVE_INFINITY }],
    ['runAt', { runAt: new Date(Number.NaN) }],
    ['runAt', { runAt: 'tomorrow' }],
    ['runAt', { runAt: '' }],
    ['runAt', { runAt: '1000y' }],
    ['runAt', { runAt: null }],
    ['prioritiy', { prioritiy: 5 }],
    ['debounce', { debounce: {} }],
  ])('refuse %s in %j; nothing is written', async (option, options) => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.run(noop, 1, options as CreateOptions));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option, code: 'INVALID_OPTION' });
    const many = [{ input: 1 }, { input: 2, ...options }] as Array<{ input: unknown }>;
    expect(await rejection(engine.client.runMany<unknown, void>(noop, many))).toMatchObject({ option });
    await expectNoKeys(engine.prefix);
  });

  it('say what is meant', async () => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.run(noop, 1, { prioritiy: 5 } as CreateOptions));
    expect(error.message).toContain("Did you mean 'priority'?");
    expect(error.message).toContain('Supported options are: runId');
  });

  it('count the tags of workflow and call together', async () => {
    const tagsOf = (prefix: string) => Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`${prefix}${i}`, '']));
    const tagged = workflow('tagged', () => undefined, { tags: tagsOf('a') });
    const engine = await startEngine({ worker: false });
    expect(await rejection(engine.client.run(tagged, 1, { tags: tagsOf('b') }))).toMatchObject({ option: 'tags' });
    await expectNoKeys(engine.prefix);
  });

  it.each<[string, unknown]>([
    ['the empty string', ''],
    ['a long name', bytes(129)],
    ['a control character', 'a\tb'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object', {}],
  ])('go to a workflow: refused is %s', async (_what, ref) => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.run(ref as string, 1, { allowUnknown: true }));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option: 'workflow' });
    await expectNoKeys(engine.prefix);
  });
});

describe('definitions', () => {
  const define = (name: unknown, options: object) =>
    defineWorkflow(name as string, { registry: createRegistry(), handler: () => 1, ...options });

  it.each<[string, unknown, object]>([
    ['workflow', '', {}],
    ['workflow', bytes(129), {}],
    ['workflow', 'a\u007Fb', {}],
    ['workflow', undefined, {}],
    ['handler', 'flow', { handler: undefined }],
    ['queue', 'flow', { queue: '' }],
    ['priority', 'flow', { priority: 10 }],
    ['maxAttempts', 'flow', { maxAttempts: 0 }],
    ['retries.maxAttempts', 'flow', { retries: { maxAttempts: 0 } }],
    ['retries.delay', 'flow', { retries: { delay: 'soon' } }],
    ['retries.delay', 'flow', { retries: { delay: -1 } }],
    ['retries.delay.type', 'flow', { retries: { delay: { type: 'linear', delay: 1 } } }],
    ['retries.delay.factor', 'flow', { retries: { delay: { type: 'exponential', delay: 1, factor: 0.5 } } }],
    ['retries.delay.jitter', 'flow', { retries: { delay: { type: 'exponential', delay: 1, jitter: 2 } } }],
    ['retries.delay.maxDelay', 'flow', { retries: { delay: { type: 'exponential', delay: 10, maxDelay: 5 } } }],
    ['retries.shouldRetry', 'flow', { retries: { shouldRetry: true } }],
    ['attempts', 'flow', { retries: { attempts: 3 } }],
    ['cron', 'flow', { cron: '0 9 * * *' }],
    ['expression', 'flow', { cron: [{ expression: '0 0 31 2 *' }] }],
    ['timezone', 'flow', { cron: [{ expression: '0 9 * * *', timezone: 'CET+1' }] }],
    ['misfire', 'flow', { cron: [{ expression: '0 9 * * *', misfire: 'twice' }] }],
    ['id', 'flow', { cron: [{ expression: '0 9 * * *', id: '' }] }],
    ['timeout', 'flow', { timeout: 0 }],
    ['onFailureTimeout', 'flow', { onFailureTimeout: 0 }],
    ['timeout', 'flow', { timeout: Number.NaN }],
    ['version', 'flow', { version: '' }],
    ['tags', 'flow', { tags: { a: 1 } }],
    ['input', 'flow', { input: {} }],
    ['registry', 'flow', { registry: { list: () => [] } }],
    ['onFailure', 'flow', { onFailure: 'call' }],
    ['maxConcurrency', 'flow', { maxConcurrency: 0 }],
    ['mutex', 'flow', { mutex: 'order' }],
    ['throttle.limit', 'flow', { throttle: { limit: 0, period: 1 } }],
    ['rateLimit.period', 'flow', { rateLimit: { limit: 1, period: 0 } }],
    ['debounce.timeout', 'flow', { debounce: { key: String, period: 2, timeout: 1 } }],
  ])('refuse %s of %j with %j', (option, name, options) => {
    let error: unknown;
    try {
      define(name, options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
  });

  it('refuse a name that is taken', () => {
    const registry = createRegistry();
    define('flow', { registry });
    expect(() => define('flow', { registry })).toThrow(/"flow" is defined twice/);
  });
});

describe('worker options', () => {
  it.each<[string, object]>([
    ['concurrency', { concurrency: 0 }],
    ['concurrency', { concurrency: 1.5 }],
    ['leaseMs', { leaseMs: 0 }],
    ['leaseMs', { leaseMs: '30s' }],
    ['blockTimeoutMs', { blockTimeoutMs: 0 }],
    ['reaperIntervalMs', { reaperIntervalMs: Number.NaN }],
    ['reaperBatchSize', { reaperBatchSize: 0 }],
    ['watchdog.intervalMs', { watchdog: { intervalMs: 0 } }],
    ['watchdog.stalledForMs', { watchdog: { stalledForMs: -1 } }],
    ['watchdog.enabled', { watchdog: { enabled: 'yes' } }],
    ['interval', { watchdog: { interval: 5 } }],
    ['historyCleanupIntervalMs', { historyCleanupIntervalMs: 0 }],
    ['registryRecoveryIntervalMs', { registryRecoveryIntervalMs: 0 }],
    ['shutdownTimeoutMs', { shutdownTimeoutMs: -1 }],
    ['maxRecoveries', { maxRecoveries: -1 }],
    ['queues', { queues: [] }],
    ['queue', { queues: [''] }],
    ['queues', { queues: 'default' }],
    ['app', { app: '' }],
    ['deployment', { deployment: '' }],
    ['deployment', { deployment: 7 }],
    ['prefix', { prefix: 'a{b}' }],
    ['url', { url: 'http://127.0.0.1' }],
    ['maxPayloadBytes', { maxPayloadBytes: 0 }],
    ['codec', { codec: 'gzip' }],
    ['codec', { codec: { encode: String } }],
    ['retention', { retention: 0 }],
    ['forgetAfter', { forgetAfter: 0 }],
    ['concurency', { concurency: 5 }],
    ['cancelGraceMs', { cancelGraceMs: -1 }],
    ['workflows', { workflows: [] }],
    ['name', { workflows: [noop, noop] }],
  ])('refuse %s in %j; nothing is opened or written', async (option, options) => {
    const prefix = testPrefix();
    const common = { url: testRedisUrl(), prefix, logger: new RecordingLogger(), workflows: [noop] };
    const error = await rejection(startWorker({ ...common, ...options } as StartWorkerOptions));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
    await expectNoKeys(prefix);
  });
});

describe('client options and queries', () => {
  it.each<[string, object]>([
    ['prefix', { prefix: '' }],
    ['prefix', { prefix: 'a b' }],
    ['prefix', { prefix: bytes(129) }],
    ['url', { url: 'localhost' }],
    ['app', { app: 'a\nb' }],
    ['maxPayloadBytes', { maxPayloadBytes: 1.5 }],
    ['retention', { retention: 'soon' }],
    ['retentionDays', { retentionDays: 5 }],
  ])('refuse %s in %j', (option, options) => {
    let error: unknown;
    try {
      createClient(options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
  });

  it.each<[string, object]>([
    ['status', { status: 'done' }],
    ['status', { status: ['failed', 'done'] }],
    ['sort', { sort: 'up' }],
    ['limit', { limit: 0 }],
    ['limit', { limit: 1_001 }],
    ['cursor', { cursor: 'abc' }],
    ['workflow', { workflow: 5 }],
    ['queue', { queue: null }],
    ['tag', { tag: 'blue' }],
    ['tag', { tag: { team: 5 } }],
    ['parentRunId', { parentRunId: ['a'] }],
    ['createdAfter', { createdAfter: -1 }],
    ['createdAfter', { createdAfter: new Date() }],
    ['createdBefore', { createdBefore: 1.5 }],
    ['statuses', { statuses: [] }],
  ])('refuse %s in listRuns(%j)', async (option, filter) => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.listRuns(filter as RunFilter));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
  });

  it('refuse ids that are no text', async () => {
    const { client } = await startEngine({ worker: false });
    const none = undefined as unknown as string;
    const calls = [
      async () => client.getRun(none),
      async () => client.getRunSteps(none),
      async () => client.getRunAttempts(none),
      async () => client.getHandle(none),
      async () => client.cancelRun(none),
      async () => client.retryRun(none),
      async () => client.getEvent(none),
      async () => client.getWorkflowMeta(none),
      async () => client.pauseSchedule(none),
      async () => client.cleanupExpiredRunsNow({ limit: 0 }),
    ];
    for (const call of calls) expect(await rejection(call())).toBeInstanceOf(InvalidOptionError);
  });
});
