import { describe, expect, it } from '@jest/globals';
import { RunNotFoundError, ScheduleNotFoundError } from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';

const noop = workflow('noop', () => undefined);

// As it may come in a URL, decoded.
describe.each<[string, string]>([
  ['a control character', 'a\nb'],
  ['a NUL', 'a\0'],
  ['too much text', 'x'.repeat(100_000)],
  ['half a character', '\ud83c'],
  ['nothing', ''],
])('an id or name with %s', (_what, id) => {
  /** A client of a namespace with one run, whose id has the character that Redis would get for half a one. */
  async function client() {
    const engine = await startEngine({ worker: false });
    await engine.client.run(noop, undefined, { runId: '\ufffd', queue: '\ufffd', tags: { a: '\ufffd' } });
    return engine.client;
  }

  it('is unknown to calls that read', async () => {
    const redflow = await client();
    expect(await redflow.getRun(id)).toBeNull();
    expect(await redflow.getRunSteps(id)).toEqual([]);
    expect(await redflow.getRunAttempts(id)).toEqual([]);
    expect(await redflow.getEvent(id)).toBeNull();
    expect(await redflow.getWorkflowMeta(id)).toBeNull();
  });

  it('is the one of no run, for handles, cancellations and retries', async () => {
    const redflow = await client();
    const handle = redflow.getHandle(id);
    const calls = [
      () => handle.getState(),
      () => handle.result(),
      () => handle.cancel(),
      () => redflow.cancelRun(id),
      () => redflow.retryRun(id),
    ];
    for (const call of calls) {
      const error = await rejection(call());
      expect(error).toBeInstanceOf(RunNotFoundError);
      expect(error).toMatchObject({ runId: id });
      expect(error.message).not.toMatch(/[\p{Cc}\p{Cs}]|x{65}/u);
    }
  });

  it('is the one of no schedule', async () => {
    const redflow = await client();
    for (const method of ['pauseSchedule', 'resumeSchedule', 'triggerSchedule', 'previewSchedule'] as const) {
      const error = await rejection(redflow[method](id));
      expect(error).toBeInstanceOf(ScheduleNotFoundError);
      expect(error).toMatchObject({ scheduleId: id, suggestions: [] });
      expect(error.message).not.toMatch(/[\p{Cc}\p{Cs}]|x{65}/u);
    }
  });

  it('matches nothing in lists', async () => {
    const redflow = await client();
    for (const filter of [{ workflow: id }, { queue: id }, { parentRunId: id }]) {
      expect(await redflow.listRuns(filter)).toEqual({ items: [] });
      expect(await redflow.searchRuns({ text: '\ufffd', ...filter })).toEqual({ items: [] });
      expect(await redflow.cancelRuns(filter)).toEqual({ canceled: 0 });
    }
    expect(await redflow.listEvents({ name: id })).toEqual({ items: [] });
  });
});

describe('what no run can have', () => {
  it('matches nothing in lists: tags, texts to search for, the name of several events', async () => {
    const { client } = await startEngine({ worker: false });
    await client.run(noop, undefined, { runId: '\ufffd', tags: { a: '\ufffd' } });
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`t${i}`, '']));
    for (const tag of [
      { a: '\ud83c' },
      { '\ud83c': 'a' },
      { a: 'x'.repeat(257) },
      { ['x'.repeat(65)]: 'a' },
      { '': 'a' },
      many,
    ]) {
      expect(await client.listRuns({ tag })).toEqual({ items: [] });
      expect(await client.cancelRuns({ tag })).toEqual({ canceled: 0 });
    }
    for (const text of ['\ud83c', 'x'.repeat(513)]) expect(await client.searchRuns({ text })).toEqual({ items: [] });
    expect(await client.listEvents({ name: 'order.*' })).toEqual({ items: [] });
    expect((await client.listRuns({ tag: { a: '\ufffd' } })).items).toHaveLength(1);
  });
});
