import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { emitEvent } from '../../../lib/engine/redis/events/emit-event.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { createRun, type NewRun } from '../../../lib/engine/redis/runs/create-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { triggerSchedule } from '../../../lib/engine/redis/schedules/trigger-schedule.js';
import { awaitAny } from '../../../lib/engine/redis/waits/await-any.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { emit, eventOf, newEvent, stepOf, verdict } from '../../support/event-room.js';
import { scheduleIn, tickOf } from '../../support/schedule-room.js';

const PERIOD_MS = 60_000;
const debounce = { periodMs: PERIOD_MS, timeoutMs: undefined as number | undefined, key: 'k' };
const admission = { debounce };

const runOf = async (room: EngineRoom, id: string) => {
  const run = await room.send(readRun(id));
  if (!run) throw new Error(`there is no run "${id}"`);
  return run;
};
const keysOf = async (room: EngineRoom, pattern: string) => (await room.redis.keys(room.key(pattern))).length;
const join = (room: EngineRoom, input: string, overrides: Partial<NewRun> = {}) =>
  room.create({ input, admission, ...overrides });

describe('a debounced run', () => {
  it('takes the latest input and starts a period after it', async () => {
    const room = openEngineRoom();
    await room.register();
    const op = createRun(room.newRun({ id: 'a', input: '1', admission }));
    expect(await room.send(op)).toEqual({ status: 'CREATED', id: 'a' });
    expect(await room.repeat(op)).toEqual({ status: 'CREATED', id: 'a' });
    await room.advance(PERIOD_MS / 2);
    const second = createRun(room.newRun({ id: 'b', input: '2', admission }));
    const before = await room.now();
    expect(await room.send(second)).toEqual({ status: 'COALESCED', id: 'a' });
    expect((await runOf(room, 'a')).availableAt).toBeGreaterThanOrEqual(before + PERIOD_MS);
    expect(await room.repeat(second)).toEqual({ status: 'COALESCED', id: 'a' });
    await room.advance(PERIOD_MS - 10_000);
    expect(await room.claim()).toEqual([]);
    await room.advance(10_000);
    const [claimed] = await room.claim();
    expect([claimed.run.id, claimed.data?.input]).toEqual(['a', '2']);
    expect(await room.send(readRun('b'))).toBeNull();
  });

  it('waits no longer than its timeout after the first create', async () => {
    const room = openEngineRoom();
    const limited = { debounce: { ...debounce, timeoutMs: 90_000 } };
    await join(room, '1', { id: 'a', admission: limited });
    const { createdAt, availableAt } = await runOf(room, 'a');
    expect(availableAt - createdAt).toBe(PERIOD_MS);
    for (let i = 0; i < 3; i++) {
      await room.advance(40_000);
      await join(room, String(i), { admission: limited });
    }
    // Nobody has claimed it: it is due at once, and still takes what comes.
    expect((await runOf(room, 'a')).availableAt).toBeGreaterThanOrEqual(createdAt + 120_000);
    expect((await runOf(room, 'a')).input).toBe(2);
  });

  it('is due at its timeout when the period would end later', async () => {
    const room = openEngineRoom();
    const limited = { debounce: { ...debounce, timeoutMs: 90_000 } };
    await join(room, '1', { id: 'a', admission: limited });
    await room.advance(40_000);
    await join(room, '2', { admission: limited });
    const { createdAt, availableAt } = await runOf(room, 'a');
    expect(availableAt - createdAt).toBe(90_000);
    expect(await room.due()).toEqual(['a']);
  });

  it('once it is queued or canceled is joined no more, and nothing of it is left', async () => {
    const room = openEngineRoom();
    await room.register();
    await join(room, '1', { id: 'a' });
    await room.advance(PERIOD_MS);
    await room.claim('w1', { want: 0 });
    expect(await join(room, '2', { id: 'b' })).toEqual({ status: 'CREATED', id: 'b' });
    expect((await runOf(room, 'a')).input).toBe(1);
    await room.send(cancelRun({ runId: 'b', reason: '', compensate: true, nonce: 'n' }));
    expect(await keysOf(room, 'debounce:*')).toBe(0);
    expect(await join(room, '3', { id: 'c' })).toEqual({ status: 'CREATED', id: 'c' });
    expect([await room.field('a', 'db'), await room.field('b', 'db'), await room.field('b', 'df')]).toEqual([null, null, null]);
  });

  it('is not joined while a worker that does not know it has handed it back', async () => {
    const room = openEngineRoom();
    await room.register();
    await join(room, '1', { id: 'a' });
    await room.advance(PERIOD_MS);
    await room.claim();
    await room.send(releaseRun('a', room.fenceOf('a'), 5_000, true));
    expect(await join(room, '2', { id: 'b' })).toEqual({ status: 'CREATED', id: 'b' });
  });

  it('keeps the input of a later create when an earlier one is repeated', async () => {
    const room = openEngineRoom();
    await join(room, '1', { id: 'a' });
    const second = createRun(room.newRun({ id: 'b', input: '2', admission, idempotencyKey: 'i' }));
    await room.send(second);
    await join(room, '3');
    expect(await room.repeat(second)).toEqual({ status: 'COALESCED', id: 'a' });
    expect((await runOf(room, 'a')).input).toBe(3);
  });

  it('keeps its other options, and takes gates and origin of the latest input', async () => {
    const room = openEngineRoom();
    const gates = (key: string) => ({ debounce, mutex: key, throttle: { limit: 1, periodMs: 5, key } });
    await join(room, '1', { id: 'a', priority: 3, tags: { a: '1' }, maxAttempts: 7, queue: 'slow', admission: gates('x') });
    const { createdAt } = await runOf(room, 'a');
    await join(room, '2', { priority: 9, tags: { b: '2' }, admission: gates('y') });
    const kept = { priority: 3, tags: { a: '1' }, maxAttempts: 7, queue: 'slow', createdAt, status: 'scheduled' };
    expect(await runOf(room, 'a')).toMatchObject({ ...kept, input: 2 });
    expect([await room.field('a', 'mx'), await room.field('a', 'th')]).toEqual(['y', '1,5,y']);
    await join(room, '', { admission });
    expect((await runOf(room, 'a')).input).toBeUndefined();
    expect([await room.field('a', 'mx'), await room.field('a', 'th')]).toEqual([null, null]);
  });

  it('goes with an idempotency key: one that is known touches nothing, a new one names the pending run', async () => {
    const room = openEngineRoom();
    await join(room, '1', { id: 'a', idempotencyKey: 'i' });
    expect(await join(room, '2', { idempotencyKey: 'i' })).toEqual({ status: 'EXISTS', id: 'a' });
    expect((await runOf(room, 'a')).input).toBe(1);
    expect(await join(room, '3', { idempotencyKey: 'j' })).toEqual({ status: 'COALESCED', id: 'a' });
    expect(await join(room, '4', { idempotencyKey: 'j' })).toEqual({ status: 'EXISTS', id: 'a' });
    expect((await runOf(room, 'a')).input).toBe(3);
  });

  it('counts once for a rate limit', async () => {
    const room = openEngineRoom();
    const both = { debounce, rateLimit: { limit: 1, periodMs: PERIOD_MS, key: '' } };
    await join(room, '1', { id: 'a', admission: both });
    expect(await join(room, '2', { admission: both })).toEqual({ status: 'COALESCED', id: 'a' });
    expect(await room.redis.zcard(room.key('rate:5:greet:'))).toBe(1);
    await room.redis.hset(room.keys.run('a'), 'st', 'q');
    expect((await join(room, '3', { admission: both })).status).toBe('LIMITED');
  });

  it.each(['{}:*', 'a:b', 'straße 日本 🚀', '', 'x'.repeat(512)])('has the key %j to itself', async (key) => {
    const room = openEngineRoom();
    const keyed = (text: string) => ({ debounce: { ...debounce, key: text } });
    expect((await join(room, '1', { id: 'a', admission: keyed(key) })).status).toBe('CREATED');
    expect((await join(room, '1', { workflow: 'other', admission: keyed(key) })).status).toBe('CREATED');
    expect((await join(room, '1', { admission: keyed(`${key}.`) })).status).toBe('CREATED');
    expect(await join(room, '1', { admission: keyed(key) })).toEqual({ status: 'COALESCED', id: 'a' });
  });

  it('wakes a worker that would look too late for its new time', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.claim();
    await join(room, '1');
    await room.claim();
    const wakeUps = await room.wakeUps('w1');
    await join(room, '2', { admission: { debounce: { ...debounce, periodMs: 10 } } });
    expect(await room.wakeUps('w1')).toBe(wakeUps + 1);
  });

  describe('by an event', () => {
    const verdicts = [{ ...verdict('greet'), admission }];

    it('is a delivery of the pending run, which has the latest envelope', async () => {
      const room = openEngineRoom();
      await join(room, '1', { id: 'a' });
      const op = emitEvent(newEvent({ verdicts }));
      await room.send(op);
      await room.repeat(op);
      await emit(room, { id: 'e2', data: '{"n":2}', verdicts });
      for (const id of ['e1', 'e2']) {
        expect(await eventOf(room, id)).toMatchObject({ deliveries: [{ status: 'delivered', runId: 'a' }], deliveryCount: 1 });
      }
      expect(await runOf(room, 'a')).toMatchObject({ input: { n: 2 }, trigger: 'event', eventId: 'e2' });
      expect(await room.redis.hget(room.keys.data('a'), 'ev')).toContain('"id":"e2"');
      await join(room, '3');
      const run = await runOf(room, 'a');
      expect(run).toMatchObject({ input: 3, trigger: 'api' });
      expect(run).not.toHaveProperty('eventId');
      expect(await room.redis.hexists(room.keys.data('a'), 'ev')).toBe(0);
    });

    it('tells the step that emits it the pending run', async () => {
      const room = openEngineRoom();
      const { fence } = await room.running({ id: 'r', workflow: 'emitter' });
      await join(room, '1', { id: 'a' });
      await emit(room, { verdicts }, { runId: 'r', fence, step: 'emit', order: 1 });
      expect((await stepOf(room, 'r', 'emit'))?.payload).toBe('["a"]');
    });
  });

  it('by a schedule has the latest instant', async () => {
    const room = openEngineRoom();
    await join(room, '1', { id: 'a', queue: 'reports' });
    const due = await scheduleIn(room, -1_000);
    const run = room.newRun({ admission });
    expect(await room.send(await tickOf(room, due, { run }))).toMatchObject({ status: 'FIRED' });
    expect(await runOf(room, 'a')).toMatchObject({ input: { a: 1 }, trigger: 'cron', scheduleId: 'nightly', scheduledFor: due });
    const trigger = triggerSchedule('nightly', room.newRun({ id: 'now', admission }));
    expect(await room.send(trigger)).toEqual({ status: 'COALESCED', id: 'a' });
    expect((await runOf(room, 'a')).scheduledFor).toBeGreaterThan(due);
    await join(room, '2');
    await room.redis.del(room.key('schedule:nightly'));
    expect(await room.repeat(trigger)).toEqual({ status: 'COALESCED', id: 'a' });
    const last = await runOf(room, 'a');
    expect([last.input, last.trigger, last.scheduleId, last.scheduledFor]).toEqual([2, 'api', undefined, undefined]);
  });

  describe('by a step', () => {
    const start = (room: EngineRoom, parent: string, child: string) =>
      startChild({
        ...{ runId: parent, fence: room.fenceOf(parent), step: 's', waits: true, order: 0 },
        child: room.newRun({ id: child, input: `"${parent}"`, admission }),
      });

    it('is waited for, and is the child of the first only', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'p', workflow: 'parent' });
      await room.running({ id: 'q', workflow: 'parent' });
      await room.send(start(room, 'p', 'c1'));
      const second = start(room, 'q', 'c2');
      expect(await room.send(second)).toMatchObject({ status: 'OK', childRunId: 'c1' });
      expect(await room.repeat(second)).toMatchObject({ status: 'OK', childRunId: 'c1' });
      await join(room, '1');
      expect(await runOf(room, 'c1')).toMatchObject({ input: 1, parentRunId: 'p', trigger: 'child' });
      expect(await room.redis.zrange(room.key('children:p'), '0', '-1')).toEqual(['c1']);
      expect(await room.redis.exists(room.key('children:q'))).toBe(0);
      expect(await room.redis.scard(room.key('parents:c1'))).toBe(2);
    });

    it('of a client stays no child', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'p', workflow: 'parent' });
      await join(room, '1', { id: 'a' });
      await room.send(start(room, 'p', 'c1'));
      const run = await runOf(room, 'a');
      expect(run).toMatchObject({ input: 'p', trigger: 'api' });
      expect(run).not.toHaveProperty('parentRunId');
    });

    it('that starts several counts those that join once for their limit', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r', workflow: 'parent' });
      const both = { debounce, rateLimit: { limit: 1, periodMs: PERIOD_MS, key: '' } };
      const branches = ['c1', 'c2'].map((id) => ({ name: id, child: room.newRun({ id, input: `"${id}"`, admission: both }) }));
      const op = awaitAny({ runId: 'r', fence: room.fenceOf('r'), step: 'any' }, branches);
      expect(await room.send(op)).toMatchObject({ status: 'OK' });
      expect(await room.repeat(op)).toMatchObject({ status: 'OK' });
      expect((await runOf(room, 'c1')).input).toBe('c2');
      expect(await room.send(readRun('c2'))).toBeNull();
    });
  });
});
