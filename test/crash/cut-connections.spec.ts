import { setInterval as every } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type LossyProxy, startLossyProxy } from '../support/lossy-proxy.js';
import { testRedisUrl } from '../support/namespace.js';
import { countsOf, Stage } from './stage.js';

const CUTS = 40;
const CUT_EVERY_MS = 100;
const RUNS_PER_CUT = 5;
const EACH_ONCE = { start: 1, A: 1, B: 1, C: 1, end: 1 };

let proxy: LossyProxy | undefined;

afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});

describe('connections that are cut every 100 ms under load', () => {
  it('cost nothing but time: every run succeeds, no step runs twice, no worker loses its lease', async () => {
    proxy = await startLossyProxy(testRedisUrl());
    const stage = new Stage({ url: proxy.url });
    const options = { leaseMs: 15_000 };
    await Promise.all([1, 2].map(() => stage.worker('order-worker.mjs', { options })));
    await stage.client.connect();

    const creates: Array<Promise<{ id: string; output: unknown }>> = [];
    const createOne = async (number: number) => {
      const handle = await stage.client.runByName('order', { number });
      expect(handle.deduplicated).toBe(false);
      return { id: handle.id, output: await handle.result() };
    };
    for await (const _ of every(CUT_EVERY_MS)) {
      proxy.cut();
      for (let index = 0; index < RUNS_PER_CUT; index++) creates.push(createOne(creates.length));
      if (creates.length === CUTS * RUNS_PER_CUT) break;
    }
    const runs = await Promise.all(creates);

    const listed = await stage.client.listRuns({ limit: 1_000 });
    expect(listed.items.map(({ id }) => id).sort()).toEqual(runs.map(({ id }) => id).sort());
    const effects = await stage.effects();
    for (const { id, output } of runs) {
      expect(countsOf(effects.filter(({ runId }) => runId === id))).toEqual(EACH_ONCE);
      await stage.expectCommittedOnce(id, output, effects);
      expect(await stage.run(id)).toMatchObject({ status: 'succeeded', attempt: 1, recoveries: 0 });
    }
  });
});
