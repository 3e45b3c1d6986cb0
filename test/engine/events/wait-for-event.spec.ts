import { describe, expect, it } from '@jest/globals';
import { NestedStepError, type ReceivedEvent, type WorkflowContext } from '../../../lib/engine/index.js';
import { gate, once, rejection, startEngine, workflow } from '../../support/engine.js';

interface Order {
  key: string;
  timeout?: string;
}

/** Waits once, and answers what came. */
const approval = workflow('approval', async (ctx: WorkflowContext<Order>) => {
  const { key, timeout } = ctx.input;
  return ctx.step.waitForEvent('approved', { event: 'order.approved', correlationKey: key, timeout });
});

const dataOf = (events: Array<ReceivedEvent | null>) => events.map((event) => event?.data);

describe('step.waitForEvent()', () => {
  it('parks the run until the event comes, and answers its envelope', async () => {
    const engine = await startEngine({ workflows: [approval] });
    const handle = await engine.client.run(approval, { key: 'o1' });
    await engine.until(handle.id, 'waiting');
    const emitted = await engine.client.emitEventDetailed(
      'order.approved',
      { by: 'ann' },
      { correlationKey: 'o1', eventId: 'e1' },
    );
    const now = await engine.now();
    const event = (await handle.result()) as ReceivedEvent;
    expect(event).toEqual({
      id: 'e1',
      name: 'order.approved',
      ts: expect.any(Number),
      data: { by: 'ann' },
      correlationKey: 'o1',
    });
    expect(Math.abs(event.ts - now)).toBeLessThan(60_000);
    expect(emitted).toMatchObject({ resumedRunIds: [handle.id], handles: [], deduplicated: false });
    expect(await engine.client.getEvent('e1')).toMatchObject({
      resumedRunCount: 1,
      resumedRunIds: [handle.id],
      fanoutStatus: 'no_subscribers',
    });
    expect(await engine.client.getRunSteps(handle.id)).toMatchObject([
      { name: 'approved', kind: 'event', status: 'succeeded', output: event },
    ]);
  });

  it('finds an event that was emitted after the run was created and before the wait', async () => {
    const held = gate();
    const late = workflow('late', async (ctx: WorkflowContext) => {
      await ctx.step.run('held', () => held.promise);
      return ctx.step.waitForEvent('approved', { event: 'order.approved', correlationKey: 'o1' });
    });
    const engine = await startEngine({ workflows: [late] });
    await engine.client.emitEvent('order.approved', 'before the run', { correlationKey: 'o1' });
    const handle = await engine.client.run(late, undefined);
    await engine.client.emitEvent('order.approved', 'before the wait', { correlationKey: 'o1' });
    held.open();
    expect(await handle.result()).toMatchObject({ data: 'before the wait' });
  });

  it("does not look back with lookback: 'none'", async () => {
    const held = gate();
    const forward = workflow('forward', async (ctx: WorkflowContext) => {
      await ctx.step.run('held', () => held.promise);
      return ctx.step.waitForEvent('approved', { event: 'order.approved', correlationKey: 'o1', lookback: 'none' });
    });
    const engine = await startEngine({ workflows: [forward] });
    const handle = await engine.client.run(forward, undefined);
    await engine.client.emitEvent('order.approved', 'before', { correlationKey: 'o1' });
    held.open();
    await engine.until(handle.id, 'waiting');
    await engine.client.emitEvent('order.approved', 'after', { correlationKey: 'o1' });
    expect(await handle.result()).toMatchObject({ data: 'after' });
  });

  it('answers null when its time runs out, also on every replay and when the event comes later', async () => {
    const seen: unknown[] = [];
    const patient = workflow('patient', async (ctx: WorkflowContext) => {
      const event = await ctx.step.waitForEvent('approved', { event: 'order.approved', correlationKey: 'o1', timeout: '1h' });
      seen.push(event);
      await ctx.step.waitFor('a day', '1d');
      return event;
    });
    const engine = await startEngine({ workflows: [patient] });
    const handle = await engine.client.run(patient, undefined);
    await engine.until(handle.id, 'waiting');
    await engine.advance(3_600_000);
    await once(async () => (await engine.client.getRunSteps(handle.id)).length === 2, 'the next sleep has begun');
    await engine.client.emitEvent('order.approved', 'too late', { correlationKey: 'o1' });
    await engine.advance(2 * 86_400_000);
    expect(await handle.result()).toBeNull();
    expect(new Set(seen)).toEqual(new Set([null]));
  });

  it('takes event 1 and event 2 with two waits on one key; a duplicate id counts once', async () => {
    const twice = workflow('twice', async (ctx: WorkflowContext) => {
      const wait = { event: 'tick', correlationKey: 'k' };
      return dataOf([await ctx.step.waitForEvent('first', wait), await ctx.step.waitForEvent('second', wait)]);
    });
    const engine = await startEngine({ workflows: [twice] });
    const before = await engine.client.run(twice, undefined);
    await engine.until(before.id, 'waiting');
    const emit = (data: number, eventId: string) =>
      engine.client.emitEventDetailed('tick', data, { correlationKey: 'k', eventId });
    expect((await emit(1, 'one')).deduplicated).toBe(false);
    expect((await emit(99, 'one')).deduplicated).toBe(true);
    await engine.until(before.id, 'waiting');
    await emit(2, 'two');
    expect(await before.result()).toEqual([1, 2]);
  });

  it('hands parallel waits on one key an event each, in the order of the waits', async () => {
    const pair = workflow('pair', async (ctx: WorkflowContext) => {
      const wait = { event: 'tick', correlationKey: 'k' };
      return dataOf(await Promise.all([ctx.step.waitForEvent('a', wait), ctx.step.waitForEvent('b', wait)]));
    });
    const engine = await startEngine({ workflows: [pair] });
    const handle = await engine.client.run(pair, undefined);
    await engine.until(handle.id, 'waiting');
    const first = await engine.client.emitEventDetailed('tick', 1, { correlationKey: 'k' });
    expect(first.event.resumedRunCount).toBe(1);
    await engine.client.emitEvent('tick', 2, { correlationKey: 'k' });
    expect(await handle.result()).toEqual([1, 2]);
  });

  it('wakes all fifty waiters of a Unicode key with braces, once each, and no neighbour', async () => {
    const key = 'Größe:{*}\u2603/"\\\u0001';
    const engine = await startEngine({ workflows: [approval], worker: { concurrency: 20 } });
    const keys = [...Array.from({ length: 50 }, () => key), `${key}:`, key.slice(1), `${key}{`];
    const handles = await engine.client.runMany(
      approval,
      keys.map((one) => ({ input: { key: one } })),
    );
    await Promise.all(handles.map(({ id }) => engine.until(id, 'waiting')));
    const { event } = await engine.client.emitEventDetailed('order.approved', 1, { correlationKey: key });
    expect(event.resumedRunCount).toBe(50);
    expect(new Set(event.resumedRunIds)).toEqual(new Set(handles.slice(0, 50).map(({ id }) => id)));
    for (const handle of handles.slice(0, 50)) expect(await handle.result()).toMatchObject({ id: event.id });
    for (const { id } of handles.slice(50)) expect((await engine.client.getRun(id))?.status).toBe('waiting');
  });

  it('resumes more waiters than one call does', async () => {
    const engine = await startEngine({ workflows: [approval], worker: { concurrency: 50 } });
    const handles = await engine.client.runMany(
      approval,
      Array.from({ length: 250 }, () => ({ input: { key: 'k' } })),
    );
    await Promise.all(handles.map(({ id }) => engine.until(id, 'waiting')));
    const { event } = await engine.client.emitEventDetailed('order.approved', 1, { correlationKey: 'k' });
    expect(event.resumedRunCount).toBe(250);
    await Promise.all(handles.map((handle) => handle.result()));
    expect(await engine.redis.exists(engine.key('pending'))).toBe(0);
  });

  it('loses no event that is emitted while the wait is registered, 1,000 times', async () => {
    const engine = await startEngine({ workflows: [approval], worker: { concurrency: 50 } });
    const emitter = engine.anotherClient();
    for (let round = 0; round < 10; round++) {
      const keys = Array.from({ length: 100 }, (_, index) => `${round}:${index}`);
      const handles = await engine.client.runMany(
        approval,
        keys.map((key) => ({ input: { key } })),
      );
      await Promise.all(keys.map((key) => emitter.emitEvent('order.approved', key, { correlationKey: key })));
      const outputs = (await Promise.all(handles.map((handle) => handle.result()))) as ReceivedEvent[];
      expect(dataOf(outputs)).toEqual(keys);
    }
  });

  it('has one outcome when event and timeout meet, stable on replay, 500 times', async () => {
    const outcomes = new Map<string, Set<string>>();
    const boundary = workflow(
      'boundary',
      async (ctx: WorkflowContext<string>) => {
        const wait = { event: 'tick', correlationKey: ctx.input, timeout: 60_000 };
        const event = await ctx.step.waitForEvent('tick', wait);
        const known = outcomes.get(ctx.run.id) ?? new Set();
        outcomes.set(ctx.run.id, known.add(event === null ? 'timeout' : 'event'));
        if (ctx.run.attempt === 1) throw new Error('once more, from the stored outcome');
        return event === null ? 'timeout' : 'event';
      },
      { retries: { maxAttempts: 2, delay: 1 } },
    );
    const engine = await startEngine({ workflows: [boundary], worker: { concurrency: 50 } });
    for (let round = 0; round < 10; round++) {
      const keys = Array.from({ length: 50 }, (_, index) => `${round}:${index}`);
      const handles = await engine.client.runMany(
        boundary,
        keys.map((input) => ({ input })),
      );
      await Promise.all(handles.map(({ id }) => engine.until(id, 'waiting')));
      // To around the moment where one of the waits ends: they were registered within some milliseconds.
      const [step] = await engine.client.getRunSteps(handles[25].id);
      await engine.advance((step.wakeAt as number) - (await engine.now()) + (round - 7));
      await Promise.all(keys.map((key) => engine.client.emitEvent('tick', null, { correlationKey: key })));
      await engine.advance(60_000);
      for (const handle of handles) {
        const outcome = await handle.result();
        expect([...(outcomes.get(handle.id) as Set<string>)]).toEqual([outcome]);
        const [step] = await engine.client.getRunSteps(handle.id);
        expect(step.output === null).toBe(outcome === 'timeout');
      }
    }
  });

  it('stops listening when it ends: nothing is left of its waits', async () => {
    const race = workflow('race', async (ctx: WorkflowContext) => {
      const wait = ctx.step.waitForEvent('never', { event: 'never', correlationKey: 'k' });
      return Promise.race([wait, ctx.step.run('fast', () => 'fast')]);
    });
    const engine = await startEngine({ workflows: [race, approval] });
    expect(await (await engine.client.run(race, undefined)).result()).toBe('fast');
    const timedOut = await engine.client.run(approval, { key: 'k', timeout: '1h' });
    await engine.until(timedOut.id, 'waiting');
    await engine.advance(3_600_000);
    expect(await timedOut.result()).toBeNull();
    expect(await engine.redis.keys(engine.key('listen*'))).toEqual([]);
  });

  it('refuses a call inside a step, wildcards, empty and lone keys, and unknown options', async () => {
    const nested = workflow('nested', (ctx: WorkflowContext) =>
      ctx.step.run('outer', () => ctx.step.waitForEvent('inner', { event: 'e', correlationKey: 'k' })),
    );
    const wrong = workflow('wrong', (ctx: WorkflowContext<object>) => ctx.step.waitForEvent('w', ctx.input as never));
    const engine = await startEngine({ workflows: [nested, wrong] });
    expect((await rejection((await engine.client.run(nested, undefined)).result())).cause).toBeInstanceOf(NestedStepError);
    for (const [input, message] of [
      [{ event: 'order.*', correlationKey: 'k' }, /stands for several/],
      [{ event: 'e' }, /correlationKey/],
      [{ event: 'e', correlationKey: '' }, /1 to 512 bytes/],
      [{ event: 'e', correlationKey: 'k', lookback: 'all' }, /'run' or 'none'/],
      [{ event: 'e', correlationKey: 'k', timeout: 'soon' }, /timeout/],
      [{ event: 'e', correlationKey: 'k', timout: 1 }, /Did you mean 'timeout'/],
    ] as const) {
      const error = await engine.failure(await engine.client.run(wrong, input));
      expect(error).toMatchObject({ name: 'InvalidOptionError', message: expect.stringMatching(message) });
    }
  });
});
