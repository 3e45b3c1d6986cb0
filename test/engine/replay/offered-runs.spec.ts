import { describe, expect, it } from '@jest/globals';
import type { StartWorkerOptions, WorkflowContext, WorkflowDefinition, WorkflowOptions } from '../../../lib/engine/index.js';
import type { RunWorker } from '../../../lib/engine/worker/run-worker.js';
import { blocked } from '../../support/blocked.js';
import { type Engine, gate, startEngine, workflow } from '../../support/engine.js';
import { eventually } from '../../support/eventually.js';
import { gateKeys, untilBlocked } from '../../support/gates.js';

/** Every other deployment that serves a blocked run tries it once: see docs/decisions/0045-replay-guard.md. */

const GRACE = 100;
const GATES = { mutex: (input: unknown) => String(input), maxConcurrency: 1 } satisfies WorkflowOptions<unknown>;
/** Dead workers are soon found, and rounds of offers soon made. */
const SHORT_LIVES = { leaseMs: 300, reaperIntervalMs: 30 };

/** Charges under a name, waits for an hour or more, and sends a receipt; one whose input is `hold` holds its slot until it is told. */
class Shop {
  readonly effects: string[] = [];
  readonly held = gate();

  constructor(private readonly hours = 1) {}

  code(charge: string, options: WorkflowOptions<unknown> = GATES, receipt?: () => unknown): WorkflowDefinition<unknown, string> {
    const handler = async ({ step, input }: WorkflowContext<unknown>): Promise<string> => {
      if (input === 'hold') await step.run('hold', () => this.held.promise);
      else {
        await step.run(charge, () => void this.effects.push(`charge ${input}`));
        await step.waitFor('pause', '1h');
        for (let hour = 2; hour <= this.hours; hour++) await step.waitFor(`pause-${hour}`, '1h');
        await step.run('receipt', receipt ?? (() => void this.effects.push(`receipt ${input}`)));
      }
      return 'done';
    };
    return workflow('order', handler, { determinismGrace: GRACE, retries: { delay: 0 }, ...options });
  }
}

const deploy = (engine: Engine, deployment: string, code: WorkflowDefinition<unknown, string>, more: StartWorkerOptions = {}) =>
  engine.startWorker({ deployment, workflows: [code], ...SHORT_LIVES, ...more }) as Promise<RunWorker>;

/** Runs that began under old code and are blocked by the deployment `bad`, which is all that lives. */
async function blockedRuns(shop: Shop, inputs: readonly string[], options: WorkflowOptions<unknown> = GATES) {
  const engine = await startEngine({ worker: false });
  const first = await deploy(engine, 'first', shop.code('charge', options));
  const ids: string[] = [];
  for (const input of inputs) {
    const { id } = await engine.client.runByName('order', input);
    ids.push(id);
    await engine.until(id, 'waiting');
  }
  await first.stop();
  const bad = await deploy(engine, 'bad', shop.code('charge-card', options));
  await engine.advance(3_600_000);
  for (const id of ids) await blocked(engine, id);
  return { engine, ids, id: ids[0], bad };
}

/** How often each worker has blocked the run. */
async function trials(engine: Engine, id: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { outcome, workerId } of await engine.client.getRunAttempts(id)) {
    if (outcome === 'blocked') counts[workerId] = (counts[workerId] ?? 0) + 1;
  }
  return counts;
}

const reservedFor = (engine: Engine, id: string) => engine.redis.hget(engine.key(`run:${id}`), 'on');
const offered = (engine: Engine, id: string, deployment: string | null) =>
  eventually(async () => expect(await reservedFor(engine, id)).toBe(deployment));
const slots = (engine: Engine) => engine.redis.smembers(engine.key('slots:order'));
const holderOf = (engine: Engine, input: string) => engine.redis.get(engine.key(`mutex:5:order:${input}`));

describe('a run that is offered at a gate without a free slot', () => {
  /** Another run has the only slot, and what was blocked waits for it, for deployment `second`. */
  async function atGate(shop: Shop) {
    const found = await blockedRuns(shop, ['a']);
    const { engine, id } = found;
    const holder = await engine.client.runByName('order', 'hold');
    await eventually(async () => expect(await slots(engine)).toEqual([holder.id]));
    const second = await deploy(engine, 'second', shop.code('charge'));
    // It shows as blocked by its code, wherever it waits.
    await eventually(async () => expect(await engine.redis.hget(engine.key(`run:${id}`), 'bl')).toBe('c'));
    await blocked(engine, id);
    return { ...found, holder, second };
  }

  it('waits for one, is blocked until then, and goes on', async () => {
    const shop = new Shop();
    const { engine, id, bad, holder } = await atGate(shop);
    expect((await engine.client.getStats()).blocked).toEqual([{ workflow: 'order', runs: 1 }]);
    expect(await holderOf(engine, 'a')).toBe(id);
    expect(await slots(engine)).toEqual([holder.id]);
    shop.held.open();
    await engine.until(id, 'succeeded');
    await holder.result();
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await trials(engine, id)).toEqual({ [bad.id]: 1 });
    expect(await gateKeys(engine)).toEqual([]);
    expect((await engine.client.getStats()).blocked).toEqual([]);
  });

  it('leaves the line with the deployment, and is in it again for the next', async () => {
    const shop = new Shop();
    const { engine, id, bad, holder, second } = await atGate(shop);
    const behind = await engine.client.runByName('order', 'b');
    await untilBlocked(engine, behind.id, 'maxConcurrency');
    await second.crash();
    await offered(engine, id, null);
    await blocked(engine, id);
    shop.held.open();
    // The run behind it gets the slot.
    await engine.until(behind.id, 'waiting');
    await holder.result();
    expect(await slots(engine)).toEqual([]);
    expect(await holderOf(engine, 'a')).toBe(id);
    await engine.client.cancelRun(behind.id);
    const mended = await deploy(engine, 'mended', shop.code('charge'));
    await engine.until(id, 'succeeded');
    expect(await trials(engine, id)).toEqual({ [bad.id]: 1 });
    expect(shop.effects.filter((effect) => effect.endsWith(' a'))).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
    await mended.stop();
  });

  it('is resumed out of the line, for anybody', async () => {
    const shop = new Shop();
    const { engine, id, holder } = await atGate(shop);
    await engine.client.resumeRun(id);
    expect(await reservedFor(engine, id)).toBeNull();
    await untilBlocked(engine, id, 'maxConcurrency');
    expect((await engine.client.getStats()).blocked).toEqual([]);
    expect(await slots(engine)).toEqual([holder.id]);
    shop.held.open();
    await engine.until(id, 'succeeded');
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
  });
});

describe('a run that is pinned to a version', () => {
  it('is offered to a deployment that has the version, and to no other', async () => {
    const shop = new Shop();
    const { engine, id, bad } = await blockedRuns(shop, ['a'], { ...GATES, version: '1' });
    const other = await deploy(engine, 'other', shop.code('charge', { ...GATES, version: '2' }));
    // It is the current one, and would be offered the run at once.
    await eventually(async () => expect((await engine.client.getVersions('order')).current).toBe('2'));
    expect(await reservedFor(engine, id)).toBeNull();
    await blocked(engine, id);
    await deploy(engine, 'mended', shop.code('charge', { ...GATES, version: '1' }));
    expect(await engine.until(id, 'succeeded')).toMatchObject({ version: '1' });
    expect(await trials(engine, id)).toEqual({ [bad.id]: 1 });
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
    await other.stop();
  });
});

describe('more blocked runs than are offered at once', () => {
  it('are each tried once by each deployment, and all succeed on code that fits', async () => {
    const shop = new Shop();
    const inputs = Array.from({ length: 23 }, (_, i) => `run-${i}`);
    const options = { ...GATES, maxConcurrency: undefined };
    const { engine, ids, bad } = await blockedRuns(shop, inputs, options);
    expect((await engine.client.getStats()).blocked).toEqual([{ workflow: 'order', runs: ids.length }]);
    const worse = await deploy(engine, 'worse', shop.code('charge-by-card', options));
    const triedByBoth = { [bad.id]: 1, [worse.id]: 1 };
    await eventually(async () => {
      for (const id of ids) expect(await trials(engine, id)).toEqual(triedByBoth);
    });
    for (const id of ids) await blocked(engine, id);
    await offered(engine, ids[0], null);
    await deploy(engine, 'mended', shop.code('charge', options));
    for (const id of ids) await engine.until(id, 'succeeded');
    for (const id of ids) expect(await trials(engine, id)).toEqual(triedByBoth);
    expect([...shop.effects].sort()).toEqual(inputs.flatMap((input) => [`charge ${input}`, `receipt ${input}`]).sort());
    expect(await gateKeys(engine)).toEqual([]);
    expect(await engine.redis.exists(engine.key('blocked'), engine.key('blocked:order'), engine.key('reoffer'))).toBe(0);
  });
});

describe('the deployment that was offered a run and dies', () => {
  it('before it has claimed it: the run is for the next, and the offer is no trial', async () => {
    const shop = new Shop();
    const { engine, id, bad } = await blockedRuns(shop, ['a']);
    await engine.client.pauseQueue('default');
    const second = await deploy(engine, 'second', shop.code('charge'));
    await offered(engine, id, 'second');
    await second.crash();
    await offered(engine, id, null);
    await engine.client.resumeQueue('default');
    expect(await holderOf(engine, 'a')).toBe(id);
    expect(await slots(engine)).toEqual([]);
    await blocked(engine, id);
    await deploy(engine, 'second', shop.code('charge'));
    expect(await engine.until(id, 'succeeded')).toMatchObject({ recoveries: 0 });
    expect(await trials(engine, id)).toEqual({ [bad.id]: 1 });
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it('in its pass: a recovery, behind which each deployment may try again', async () => {
    const shop = new Shop();
    const { engine, id, bad } = await blockedRuns(shop, ['a']);
    const begun = gate();
    const hanging = shop.code('charge', GATES, () => {
      begun.open();
      return new Promise(() => undefined);
    });
    const second = await deploy(engine, 'second', hanging);
    await begun.promise;
    expect(await slots(engine)).toEqual([id]);
    expect((await engine.client.getStats()).blocked).toEqual([]);
    await second.crash();
    // The other one takes it over and is as wrong as before; the dead one is not waited for.
    await eventually(async () => expect(await trials(engine, id)).toEqual({ [bad.id]: 2 }));
    await blocked(engine, id);
    expect(await reservedFor(engine, id)).toBeNull();
    expect(await holderOf(engine, 'a')).toBe(id);
    expect(await slots(engine)).toEqual([]);
    await deploy(engine, 'mended', shop.code('charge'));
    expect(await engine.until(id, 'succeeded')).toMatchObject({ recoveries: 1, attempt: 1 });
    expect(await trials(engine, id)).toEqual({ [bad.id]: 2 });
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it('after it has blocked it again: the run rests, and is for that deployment once more when it starts anew', async () => {
    const shop = new Shop();
    const { engine, id, bad } = await blockedRuns(shop, ['a']);
    const second = await deploy(engine, 'second', shop.code('charge-by-card'));
    await eventually(async () => expect(await trials(engine, id)).toEqual({ [bad.id]: 1, [second.id]: 1 }));
    await second.crash();
    await eventually(async () => expect((await engine.client.getStats()).workers).toHaveLength(1));
    await blocked(engine, id);
    expect(await reservedFor(engine, id)).toBeNull();
    expect(await holderOf(engine, 'a')).toBe(id);
    expect(await slots(engine)).toEqual([]);
    await deploy(engine, 'second', shop.code('charge'));
    expect(await engine.until(id, 'succeeded')).toMatchObject({ recoveries: 0 });
    expect(await trials(engine, id)).toEqual({ [bad.id]: 1, [second.id]: 1 });
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
  });
});

describe('a run that a deployment got on with', () => {
  /** It waits for its second hour; `second` has brought it there. */
  async function broughtOn(shop: Shop, options: WorkflowOptions<unknown>, more: StartWorkerOptions = {}) {
    const found = await blockedRuns(shop, ['a'], options);
    const second = await deploy(found.engine, 'second', shop.code('charge', options), more);
    await found.engine.until(found.id, 'waiting');
    return { ...found, second };
  }

  it('is executed by no other while that one lives, through waits and failures', async () => {
    const shop = new Shop(8);
    const { engine, id, bad } = await blockedRuns(shop, ['a']);
    let failures = 0;
    const failing = shop.code('charge', GATES, () => {
      if (failures++ === 0) throw new Error('no paper');
      shop.effects.push('receipt a');
    });
    const second = await deploy(engine, 'second', failing);
    for (let hour = 2; hour <= 8; hour++) {
      await eventually(async () => expect(await engine.redis.hexists(engine.key(`data:${id}`), `s:pause-${hour}`)).toBe(1));
      await engine.until(id, 'waiting');
      expect(await engine.client.getRun(id)).not.toHaveProperty('blockedBy', 'code');
      expect((await engine.client.getStats()).blocked).toEqual([]);
      await engine.advance(3_600_000);
    }
    expect(await engine.until(id, 'succeeded')).toMatchObject({ attempt: 2 });
    expect(await trials(engine, id)).toEqual({ [bad.id]: 1 });
    const passes = await engine.client.getRunAttempts(id);
    const since = passes.findIndex(({ outcome }) => outcome === 'blocked') + 1;
    expect(new Set(passes.slice(since).map(({ workerId }) => workerId))).toEqual(new Set([second.id]));
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it('is for all once that one has left its queue', async () => {
    const shop = new Shop(2);
    const { engine, id, bad, second } = await broughtOn(shop, GATES);
    const elsewhere = await deploy(engine, 'second', shop.code('charge'), { queues: ['other'] });
    await second.stop();
    await engine.advance(3_600_000);
    await blocked(engine, id);
    expect(await trials(engine, id)).toEqual({ [bad.id]: 2 });
    expect(await reservedFor(engine, id)).toBeNull();
    const mended = await deploy(engine, 'mended', shop.code('charge'));
    await engine.until(id, 'succeeded');
    expect(await trials(engine, id)).toEqual({ [bad.id]: 2 });
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
    await elsewhere.stop();
    await mended.stop();
  });

  it('goes on under that one with its other runs, and is for all, out of its lane, when that one dies', async () => {
    const shop = new Shop(2);
    const options = { ...GATES, maxConcurrency: undefined };
    const { engine, id, bad, second } = await broughtOn(shop, options, { concurrency: 1 });
    await bad.stop();
    // It needs the slot that `second` gives to this one.
    const holder = await engine.client.runByName('order', 'hold');
    await engine.until(holder.id, 'running');
    const other = await deploy(engine, 'bad', shop.code('charge-card', options));
    await engine.advance(3_600_000);
    const lane = engine.key(`lane:q13:order\x01\x01seconddefault`);
    await eventually(async () => expect(await engine.redis.zrange(lane, 0, '-1')).toEqual([id]));
    expect(await engine.client.getRun(id)).not.toHaveProperty('blockedBy', 'worker');
    expect((await engine.client.getStats()).unserved).toEqual([]);
    await second.crash();
    await blocked(engine, id);
    expect(await trials(engine, id)).toEqual({ [bad.id]: 1, [other.id]: 1 });
    await deploy(engine, 'second', shop.code('charge', options));
    await engine.until(id, 'succeeded');
    shop.held.open();
    await holder.result();
    expect(shop.effects).toEqual(['charge a', 'receipt a']);
    expect(await gateKeys(engine)).toEqual([]);
  });

  it('is for all when it is retried by hand', async () => {
    const options = { ...GATES, retries: { maxAttempts: 1 } };
    const shop = new Shop();
    const { engine, id } = await blockedRuns(shop, ['a'], options);
    const failing = shop.code('charge', options, () => {
      throw new Error('no paper');
    });
    await deploy(engine, 'second', failing);
    await engine.until(id, 'failed');
    expect(await reservedFor(engine, id)).toBe('\x01second');
    await engine.client.pauseQueue('default');
    await engine.client.retryRun(id);
    expect(await reservedFor(engine, id)).toBeNull();
  });
});
