import { describe, expect, it } from '@jest/globals';
import { ChildWorkflowError, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, once, startEngine, workflow } from '../../support/engine.js';
import { perPass } from '../../support/passes.js';

const double = workflow('double', async (ctx: WorkflowContext<number>) => ctx.input * 2);
const failing = workflow(
  'failing',
  async () => {
    throw new TypeError('no such thing');
  },
  { maxAttempts: 1 },
);

/** A payment: paid, given up, or done by a child that never ends by itself. */
const payment = workflow('payment', async (ctx: WorkflowContext<string>) =>
  ctx.step.waitForAny('settled', {
    'paid {é}': { event: 'payment.received', correlationKey: ctx.input },
    reminder: { for: '2h' },
    expired: { for: '1h' },
  }),
);

describe('step.waitForAny()', () => {
  it('answers the event that came first, and stores the winner', async () => {
    const engine = await startEngine({ workflows: [payment] });
    const handle = await engine.client.run(payment, 'p1');
    await engine.until(handle.id, 'waiting');
    const { resumedRunIds } = await engine.client.emitEventDetailed('payment.received', { cents: 5 }, { correlationKey: 'p1' });
    expect(resumedRunIds).toEqual([handle.id]);
    expect(await handle.result()).toMatchObject({ winner: 'paid {é}', value: { name: 'payment.received', data: { cents: 5 } } });
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([
      { name: 'settled', kind: 'any', status: 'succeeded', output: { winner: 'paid {é}', value: { data: { cents: 5 } } } },
    ]);
  });

  it('answers the earliest timer, and the same on replay though the event comes later', async () => {
    const seen: unknown[] = [];
    const patient = workflow('patient', async (ctx: WorkflowContext) => {
      const first = await ctx.step.waitForAny('first', {
        event: { event: 'e', correlationKey: 'k' },
        late: { for: '2h' },
        early: { for: new Date(Date.now() + 3_600_000) },
      });
      seen.push(first);
      await ctx.step.waitFor('a day', '1d');
      return first;
    });
    const engine = await startEngine({ workflows: [patient] });
    const handle = await engine.client.run(patient, undefined);
    await engine.until(handle.id, 'waiting');
    const [step] = await engine.client.getRunSteps(handle.id);
    expect((step.wakeAt as number) - step.startedAt).toBeLessThanOrEqual(3_600_000);
    expect(step).not.toHaveProperty('output');
    await engine.advance(3_700_000);
    await once(async () => (await engine.client.getRunSteps(handle.id)).length === 2, 'the next sleep has begun');
    await engine.client.emitEvent('e', null, { correlationKey: 'k' });
    await engine.advance(2 * 86_400_000);
    expect(await handle.result()).toEqual({ winner: 'early' });
    expect(seen).toEqual([
      { winner: 'early', value: undefined },
      { winner: 'early', value: undefined },
    ]);
  });

  it('answers the child that ends first; the other one goes on', async () => {
    const held = gate();
    const slow = workflow('slow', async (ctx: WorkflowContext) => ctx.step.run('held', () => held.promise.then(() => 'slow')));
    const race = workflow('race', (ctx: WorkflowContext) =>
      ctx.step.waitForAny('first', {
        slow: { workflow: slow, input: null },
        double: { workflow: double, input: 21, tags: { from: 'race' } },
        never: { event: 'never', correlationKey: 'k' },
      }),
    );
    const engine = await startEngine({ workflows: [race, slow, double] });
    const handle = await engine.client.run(race, undefined);
    expect(await handle.result()).toEqual({ winner: 'double', value: 42 });
    const [step] = await engine.client.getRunSteps(handle.id);
    expect(await engine.client.getRun(step.childRunId as string)).toMatchObject({
      workflow: 'double',
      parentRunId: handle.id,
      parentStep: 'first',
      tags: { from: 'race' },
    });
    held.open();
    const [loser] = (await engine.client.listRuns({ workflow: 'slow' })).items;
    expect(await engine.client.getHandle(loser.id).result()).toBe('slow');
  });

  it('throws when the first to end is a child that failed, and replays it', async () => {
    const caught: Error[] = [];
    const race = workflow(
      'race',
      async (ctx: WorkflowContext) => {
        try {
          await ctx.step.waitForAny('first', { bad: { workflow: failing, input: null }, late: { for: '1h' } });
        } catch (error) {
          caught.push(error as Error);
        }
        await ctx.step.run('go on', () => 0);
        if (ctx.run.attempt === 1) throw new Error('again');
      },
      { retries: { maxAttempts: 2, delay: 1 } },
    );
    const engine = await startEngine({ workflows: [race, failing] });
    await (await engine.client.run(race, undefined)).result();
    expect(perPass(caught.map(({ message }) => message))).toEqual(perPass([1, 2].map(() => caught[0].message)));
    for (const error of caught) {
      expect(error).toBeInstanceOf(ChildWorkflowError);
      expect(error.cause).toMatchObject({ name: 'TypeError', message: 'no such thing' });
    }
  });

  it('finds what has already happened before a timer that is due at once', async () => {
    const held = gate();
    const late = workflow('late', async (ctx: WorkflowContext) => {
      await ctx.step.run('held', () => held.promise);
      const first = await ctx.step.waitForAny('a', { now: { for: 0 }, event: { event: 'e', correlationKey: 'k' } });
      const second = await ctx.step.waitForAny('b', { now: { for: -5 }, event: { event: 'e', correlationKey: 'k' } });
      return [first.winner, second.winner];
    });
    const engine = await startEngine({ workflows: [late] });
    const handle = await engine.client.run(late, undefined);
    await engine.client.emitEvent('e', null, { correlationKey: 'k' });
    held.open();
    expect(await handle.result()).toEqual(['event', 'now']);
  });

  it('waits for an event under two keys and consumes one', async () => {
    const either = workflow('either', async (ctx: WorkflowContext) => {
      const { winner } = await ctx.step.waitForAny('first', {
        left: { event: 'e', correlationKey: 'left' },
        right: { event: 'e', correlationKey: 'right' },
      });
      const again = await ctx.step.waitForEvent('left later', { event: 'e', correlationKey: 'left' });
      return [winner, again?.data];
    });
    const engine = await startEngine({ workflows: [either] });
    const handle = await engine.client.run(either, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.client.emitEvent('e', 1, { correlationKey: 'right' });
    await once(async () => (await engine.client.getRunSteps(handle.id)).length === 2, 'the next wait has begun');
    await engine.client.emitEvent('e', 2, { correlationKey: 'left' });
    expect(await handle.result()).toEqual(['right', 2]);
    expect(await engine.redis.keys(engine.key('listen*'))).toEqual([]);
  });

  it('refuses no wait at all, a wait of no kind, and unknown options', async () => {
    const wrong = workflow('wrong', (ctx: WorkflowContext<object>) => ctx.step.waitForAny('w', ctx.input as never));
    const engine = await startEngine({ workflows: [wrong] });
    for (const [input, message] of [
      [{}, /at least one wait/],
      [{ a: 5 }, /wait "a" of step "w" to be/],
      [{ a: { for: 'soon' } }, /a\.for/],
      [{ a: { for: 1, until: 2 } }, /'until'/],
      [{ a: { event: 'e' } }, /correlationKey/],
      [{ a: { workflow: 'double', input: 1, timeout: 5 } }, /'timeout'/],
    ] as const) {
      const error = await engine.failure(await engine.client.run(wrong, input));
      expect(error).toMatchObject({ name: 'InvalidOptionError', message: expect.stringMatching(message) });
    }
  });
});
