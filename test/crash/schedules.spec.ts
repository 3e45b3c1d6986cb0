import { describe, expect, it } from '@jest/globals';
import { lossyProxy } from '../support/engine-room.js';
import { eventually } from '../support/eventually.js';
import { Stage } from './stage.js';

const FIXTURE = 'schedule-worker.mjs';

/** Outputs of the runs of the schedule, oldest first, once so many have ended. */
function outputs(stage: Stage, count: number): Promise<unknown[]> {
  return eventually(async () => {
    const { items } = await stage.client.listRuns({ status: 'succeeded', sort: 'asc' });
    expect(items.length).toBeGreaterThanOrEqual(count);
    return items.map(({ output }) => output);
  }, `${count} ended runs`);
}

describe('a schedule whose only worker is killed', () => {
  it('fires once for the latest instant missed, and goes on', async () => {
    const stage = new Stage({ hasOwnClock: true });
    await stage.moveTo('2040-01-10T10:01Z');
    const first = await stage.worker(FIXTURE);
    await stage.moveTo('2040-01-10T10:15Z');
    expect(await outputs(stage, 1)).toEqual(['2040-01-10T10:15:00.000Z']);
    await first.kill('SIGKILL');
    await stage.moveTo('2040-01-10T11:50Z');
    await stage.worker(FIXTURE);
    const madeUp = ['2040-01-10T10:15:00.000Z', '2040-01-10T11:45:00.000Z'];
    expect(await outputs(stage, 2)).toEqual(madeUp);
    await stage.moveTo('2040-01-10T12:00Z');
    expect(await outputs(stage, 3)).toEqual([...madeUp, '2040-01-10T12:00:00.000Z']);
    for (const { id } of (await stage.client.listRuns()).items) expect(await stage.counts(id)).toEqual({ report: 1 });
  });

  it('is fired by the others when one of several is killed', async () => {
    const stage = new Stage({ hasOwnClock: true });
    await stage.moveTo('2040-01-10T10:01Z');
    const workers = await Promise.all([stage.worker(FIXTURE), stage.worker(FIXTURE), stage.worker(FIXTURE)]);
    const expected: string[] = [];
    for (const [index, minutes] of ['15', '30', '45'].entries()) {
      if (index > 0) await workers[index].kill('SIGKILL');
      expected.push(`2040-01-10T10:${minutes}:00.000Z`);
      await stage.moveTo(`2040-01-10T10:${minutes}Z`);
      expect(await outputs(stage, expected.length)).toEqual(expected);
    }
  });
});

describe('a schedule that was fired by a call whose answer is lost', () => {
  it.each(['goes on', 'is killed'])('has one run for the instant, when its worker %s', async (fate) => {
    const stage = new Stage({ hasOwnClock: true });
    await stage.moveTo('2040-01-10T10:01Z');
    const proxy = await lossyProxy();
    const worker = await stage.worker(FIXTURE, { url: proxy.url });
    const lost = proxy.dropReplyTo(/\r\nfire_schedule\r\n/).then(() => proxy.pause());
    await stage.moveTo('2040-01-10T10:15Z');
    await lost;
    const runs = (await stage.client.listRuns()).items;
    expect(runs).toMatchObject([{ scheduledFor: Date.parse('2040-01-10T10:15Z') }]);
    if (fate === 'is killed') {
      await worker.kill('SIGKILL');
      await stage.worker(FIXTURE);
    }
    proxy.resume();
    expect(await outputs(stage, 1)).toEqual(['2040-01-10T10:15:00.000Z']);
    await stage.moveTo('2040-01-10T10:30Z');
    expect(await outputs(stage, 2)).toEqual(['2040-01-10T10:15:00.000Z', '2040-01-10T10:30:00.000Z']);
  });
});
