import { afterEach, describe, expect, it } from '@jest/globals';
import type { CreateOptions } from 'nestjs-redflow/engine';
import { eventually } from '../support/eventually.js';
import { type LossyProxy, startLossyProxy } from '../support/lossy-proxy.js';
import { testRedisUrl } from '../support/namespace.js';
import { Stage } from './stage.js';

const FIXTURE = 'order-worker.mjs';
const EACH_ONCE = { start: 1, A: 1, B: 1, C: 1, end: 1 };
/** One claim per wake-up and nothing else: the next call with a claim is the one that gets the run. */
const QUIET = { leaseMs: 60_000, blockTimeoutMs: 60_000 };

const proxies: LossyProxy[] = [];

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
});

async function startProxy(): Promise<LossyProxy> {
  const proxy = await startLossyProxy(testRedisUrl());
  proxies.push(proxy);
  return proxy;
}

/** Loses the answer to the next call that carries the operation, and holds back the repeat until `resume()`. */
function loseAnswerTo(proxy: LossyProxy, operation: string): Promise<void> {
  return proxy.dropReplyTo(new RegExp(`\r\n${operation}\r\n`)).then(() => proxy.pause());
}

describe('an answer that was lost after the script ran', () => {
  it.each<{ what: string; options: CreateOptions }>([
    { what: 'a generated id', options: {} },
    { what: 'an id of the caller', options: { runId: 'order-1' } },
    { what: 'an idempotency key', options: { idempotencyKey: 'order-1' } },
    { what: 'both', options: { runId: 'order-1', idempotencyKey: 'order-1' } },
  ])('of create, with $what: the repeat is the first create, and there is one run', async ({ options }) => {
    const stage = new Stage();
    await stage.worker(FIXTURE);
    const proxy = await startProxy();
    const client = stage.connect(proxy.url);
    const warmUp = await client.runByName('order', {});
    await warmUp.result();

    const lost = loseAnswerTo(proxy, 'create_run');
    const creating = client.runByName('order', { number: 1 }, options);
    await lost;
    expect((await stage.client.listRuns()).items).toHaveLength(2);
    proxy.resume();
    const handle = await creating;
    expect(handle.deduplicated).toBe(false);
    await handle.result();
    expect((await stage.client.listRuns()).items.map(({ id }) => id)).toEqual([handle.id, warmUp.id]);
    expect(await stage.counts(handle.id)).toEqual(EACH_ONCE);
  });

  it('of claim: the repeat gets the same run, which starts once and is not stranded', async () => {
    const stage = new Stage();
    const proxy = await startProxy();
    await stage.worker(FIXTURE, { url: proxy.url, options: QUIET });
    await eventually(async () => expect(await stage.idleWorkers()).toHaveLength(1));
    const lost = loseAnswerTo(proxy, 'claim_runs');
    const handle = await stage.client.runByName('order', {});
    await lost;
    expect(await stage.run(handle.id)).toMatchObject({ status: 'running' });
    expect(await stage.effects()).toEqual([]);
    proxy.resume();
    const output = await handle.result();
    expect(await stage.counts(handle.id)).toEqual(EACH_ONCE);
    await stage.expectCommittedOnce(handle.id, output, await stage.effects());
    expect(await stage.run(handle.id)).toMatchObject({ attempt: 1, recoveries: 0 });
    expect(await stage.outcomes(handle.id)).toEqual(['succeeded']);
  });

  it('of commit: the step does not run again', async () => {
    const stage = new Stage();
    const proxy = await startProxy();
    await stage.worker(FIXTURE, { url: proxy.url, options: QUIET });
    const lost = loseAnswerTo(proxy, 'commit_step');
    const handle = await stage.client.runByName('order', {});
    await lost;
    const [committed] = await stage.client.getRunSteps(handle.id);
    expect(committed).toMatchObject({ name: 'A', status: 'succeeded' });
    expect(await stage.counts(handle.id)).toEqual({ start: 1, A: 1 });
    proxy.resume();
    expect(await handle.result()).toMatchObject({ a: committed.output });
    expect(await stage.counts(handle.id)).toEqual(EACH_ONCE);
    expect(await stage.outcomes(handle.id)).toEqual(['succeeded']);
  });

  it('of finish: the result is delivered once, and the worker goes on', async () => {
    const stage = new Stage();
    const proxy = await startProxy();
    await stage.worker(FIXTURE, { url: proxy.url, options: QUIET });
    const lost = loseAnswerTo(proxy, 'finish_run');
    const handle = await stage.client.runByName('order', {});
    const delivered = handle.result();
    await lost;
    const output = await delivered;
    const run = await stage.run(handle.id);
    expect(run).toMatchObject({ status: 'succeeded', output });
    proxy.resume();
    const next = await stage.client.runByName('order', {});
    await next.result();
    expect(await stage.run(handle.id)).toEqual(run);
    for (const { id } of [handle, next]) {
      expect(await stage.counts(id)).toEqual(EACH_ONCE);
      expect(await stage.outcomes(id)).toEqual(['succeeded']);
    }
  });

  it.each([
    {
      operation: 'park_run',
      workflow: 'sleeper',
      input: { forMs: 1_000 },
      counts: { before: 1, after: 1 },
      first: 'parked',
      attempt: 1,
    },
    { operation: 'back_off_run', workflow: 'retrier', input: {}, counts: { try: 2 }, first: 'failed', attempt: 2 },
  ])('of $operation: the run waits once and goes on', async ({ operation, workflow, input, counts, first, attempt }) => {
    const stage = new Stage();
    const proxy = await startProxy();
    await stage.worker('waiting-worker.mjs', { url: proxy.url, options: QUIET });
    const lost = loseAnswerTo(proxy, operation);
    const handle = await stage.client.runByName(workflow, input);
    await lost;
    expect(await stage.run(handle.id)).toMatchObject({ status: 'waiting' });
    proxy.resume();
    await handle.result();
    expect(await stage.counts(handle.id)).toEqual(counts);
    expect(await stage.run(handle.id)).toMatchObject({ status: 'succeeded', attempt, recoveries: 0 });
    expect(await stage.outcomes(handle.id)).toEqual([first, 'succeeded']);
  });

  it('of cancelRuns() and retryRun(): the repeat tells of what the first one has done, though the run has ended since', async () => {
    const stage = new Stage();
    const proxy = await startProxy();
    const client = stage.connect(proxy.url);
    const { id } = await stage.client.runByName('order', {}, { runAt: '1d', allowUnknown: true });
    const cancellationLost = loseAnswerTo(proxy, 'cancel_run');
    const canceling = client.cancelRuns({ workflow: 'order' });
    await cancellationLost;
    expect(await stage.run(id)).toMatchObject({ status: 'canceled' });
    proxy.resume();
    expect(await canceling).toEqual({ canceled: 1 });

    const retryLost = loseAnswerTo(proxy, 'retry_run');
    const retrying = client.retryRun(id);
    await retryLost;
    expect(await stage.run(id)).toMatchObject({ status: 'queued', trigger: 'retry' });
    await stage.worker(FIXTURE);
    await stage.client.getHandle(id).result();
    proxy.resume();
    expect((await retrying).id).toBe(id);
    expect(await stage.counts(id)).toEqual(EACH_ONCE);
    expect(await stage.run(id)).toMatchObject({ status: 'succeeded' });
  });
});
