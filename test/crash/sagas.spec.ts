import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Stage } from './stage.js';

const FIXTURE = 'saga-worker.mjs';

describe('a worker that is killed', () => {
  it.each([
    ['after a failure', {}, 'failed'],
    ['after a cancellation', { waits: true }, 'canceled'],
  ])('in the middle of the compensations %s leaves them to the next', async (_, input, outcome) => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('saga', input);
    const ended = handle.result().catch((error: Error) => error);
    if (outcome === 'canceled') {
      await eventually(async () => (await stage.run(handle.id)).status === 'waiting');
      expect(await handle.cancel({ reason: 'stop' })).toEqual({ canceled: true, status: 'queued' });
    }
    await first.exited;
    expect(await stage.run(handle.id)).toMatchObject({ compensating: true });
    await stage.worker(FIXTURE);
    await ended;
    const run = await stage.run(handle.id);
    expect(run).toMatchObject({ status: outcome, attempt: 1, recoveries: 1 });
    expect(run).not.toHaveProperty('compensationErrors');
    // B was under way when the worker died: at least once, with the same key; the others once.
    const effects = await stage.effects(handle.id);
    expect(effects.map(({ point }) => point)).toEqual(['undo C', 'undo B', 'undo B', 'undo A']);
    expect(new Set(effects.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
    expect(effects.map(({ value }) => value)).toEqual(['did C', 'did B', 'did B', 'did A']);
  });

  it.each(['is canceled while nobody executes it', 'goes on and fails'])(
    'between an effect and its record has it undone, should the run end that way: it %s',
    async (end) => {
      const stage = new Stage();
      const first = await stage.worker(FIXTURE);
      const handle = await stage.client.runByName('charging', {});
      const ended = handle.result().catch((error: Error) => error);
      await first.exited;
      const isCanceled = end.includes('canceled');
      if (isCanceled) expect(await handle.cancel()).toEqual({ canceled: true, status: 'running' });
      await stage.worker(FIXTURE);
      await ended;
      expect(await stage.run(handle.id)).toMatchObject({ status: isCanceled ? 'canceled' : 'failed' });
      const effects = await stage.effects(handle.id);
      const undone = ['undo charge', 'undo book'];
      expect(effects.map(({ point }) => point)).toEqual([...(isCanceled ? ['charge'] : ['charge', 'charge']), ...undone]);
      expect(effects.slice(-2).map(({ value }) => value)).toEqual(['unknown undefined', 'completed booked']);
      expect(effects.at(-2)?.idempotencyKey).toBe(effects[0].idempotencyKey);
    },
  );

  it('in onFailure leaves the hook to the next, with its completed steps', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('hooked', {});
    await first.exited;
    expect(await stage.run(handle.id)).toMatchObject({ status: 'failed', failureHook: { status: 'pending' } });
    await stage.worker(FIXTURE);
    await eventually(async () => expect((await stage.run(handle.id)).failureHook).toEqual({ status: 'succeeded' }));
    expect(await stage.counts(handle.id)).toEqual({ first: 1, killer: 2, last: 1 });
  });

  it('with a canceled run in its hands: the run ends canceled all the same', async () => {
    const stage = new Stage();
    const first = await stage.worker(FIXTURE);
    const handle = await stage.client.runByName('doomed', {});
    await eventually(async () => expect(await stage.counts(handle.id)).toEqual({ holds: 1 }));
    first.signal('SIGSTOP');
    expect(await handle.cancel()).toEqual({ canceled: true, status: 'running' });
    await first.kill('SIGKILL');
    await stage.worker(FIXTURE);
    await eventually(async () => expect((await stage.run(handle.id)).status).toBe('canceled'));
    expect(await stage.counts(handle.id)).toEqual({ holds: 1 });
  });
});
