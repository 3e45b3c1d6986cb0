import { describe, expect, it } from '@jest/globals';
import type { SpawnedProcess } from '../support/spawn-worker.js';
import { Stage } from './stage.js';

const PROCESSES = 4;
const CREATES = 50;

interface Created {
  id: string;
  deduplicated: boolean;
}

async function resultsOf(creator: SpawnedProcess): Promise<Created[]> {
  return JSON.parse(await creator.waitForLine(/^\[/));
}

describe('200 creates with one idempotency key from 4 processes', () => {
  it('make one run, and exactly one of them made it', async () => {
    const stage = new Stage();
    const args = ['order', 'same key', String(CREATES)];
    const creators = Array.from({ length: PROCESSES }, () => stage.spawn('creator.mjs', { args }));
    await Promise.all(creators.map((creator) => creator.waitForLine('ready')));
    await stage.openGate(PROCESSES);
    const created = (await Promise.all(creators.map(resultsOf))).flat();
    expect(created).toHaveLength(PROCESSES * CREATES);
    const ids = new Set(created.map(({ id }) => id));
    expect(ids.size).toBe(1);
    expect(created.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    expect((await stage.client.listRuns()).items.map(({ id }) => id)).toEqual([...ids]);
    await Promise.all(creators.map(async (creator) => expect(await creator.exited).toEqual({ code: 0, signal: null })));

    await stage.worker('order-worker.mjs');
    await stage.client.getHandle([...ids][0]).result();
    expect(await stage.counts([...ids][0])).toEqual({ start: 1, A: 1, B: 1, C: 1, end: 1 });
  });
});
