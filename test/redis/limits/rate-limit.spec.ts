import { describe, expect, it } from '@jest/globals';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { createRun, type NewRun } from '../../../lib/engine/redis/runs/create-run.js';
import { triggerSchedule } from '../../../lib/engine/redis/schedules/trigger-schedule.js';
import { awaitAny } from '../../../lib/engine/redis/waits/await-any.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { emit, eventOf, stepOf, verdict } from '../../support/event-room.js';
import { recordOf, scheduleIn, tickOf } from '../../support/schedule-room.js';

const PERIOD_MS = 60_000;
const limitOf = (limit: number, key = 'k') => ({ rateLimit: { limit, periodMs: PERIOD_MS, key } });

const statuses = async (room: EngineRoom, ...runs: Array<Partial<NewRun>>) => {
  const answers: string[] = [];
  for (const run of runs) answers.push((await room.create(run)).status);
  return answers;
};

describe('a rate limit', () => {
  it('takes so many runs within its period; a refused one writes nothing', async () => {
    const room = openEngineRoom();
    const admission = limitOf(2);
    expect(await statuses(room, { admission }, { admission })).toEqual(['CREATED', 'CREATED']);
    const before = await room.contents();
    const op = createRun(room.newRun({ id: 'over', admission, idempotencyKey: 'i' }));
    const answer = await room.send(op);
    expect(answer).toMatchObject({ status: 'LIMITED', id: 'over', retryAfterMs: expect.any(Number) });
    expect(await room.contents()).toEqual(before);
    expect(await room.repeat(op)).toMatchObject({ status: 'LIMITED' });
  });

  it('takes one more at the edge of its window, which slides', async () => {
    const room = openEngineRoom();
    const taken: number[] = [];
    /** Ms to wait, undefined if it is taken. */
    const attempt = async () => {
      const answer = await room.create({ admission: limitOf(2) });
      if (answer.status === 'CREATED') taken.push((await room.send(readRun(answer.id)))?.createdAt as number);
      if (answer.status !== 'LIMITED') return undefined;
      expect(answer.retryAfterMs).toBeGreaterThanOrEqual(1);
      expect(answer.retryAfterMs).toBeLessThanOrEqual(PERIOD_MS);
      return answer.retryAfterMs;
    };
    for (let round = 0; round < 12; round++) {
      const wait = await attempt();
      if (wait !== undefined) {
        // To right before the edge, which real time makes the edge itself now and then, and to it.
        await room.advance(wait - 1);
        const rest = await attempt();
        await room.advance(rest ?? 0);
        if (rest !== undefined) expect([rest, await attempt()]).toEqual([1, undefined]);
      }
      await room.advance(7_000);
    }
    expect(taken.length).toBeGreaterThan(8);
    for (let i = 2; i < taken.length; i++) {
      expect(taken[i] - taken[i - 2]).toBeGreaterThanOrEqual(PERIOD_MS);
      expect(taken[i] - taken[i - 2]).toBeLessThan(2 * PERIOD_MS);
    }
    // What has left the window is forgotten.
    expect(await room.redis.zcard(room.key('rate:5:greet:k'))).toBeLessThanOrEqual(2);
    expect(await room.redis.pttl(room.key('rate:5:greet:k'))).toBeGreaterThan(0);
  });

  it('counts a repeated create once, and one that finds a run not at all', async () => {
    const room = openEngineRoom();
    const admission = limitOf(2);
    const op = createRun(room.newRun({ id: 'a', nonce: 'n', admission, idempotencyKey: 'i' }));
    await room.send(op);
    expect(await room.repeat(op)).toMatchObject({ status: 'CREATED' });
    expect(await statuses(room, { id: 'a', nonce: 'm', admission }, { admission, idempotencyKey: 'i' })).toEqual([
      'EXISTS',
      'EXISTS',
    ]);
    expect(await statuses(room, { admission }, { admission })).toEqual(['CREATED', 'LIMITED']);
    expect(await statuses(room, { id: 'a', nonce: 'm', admission }, { admission, idempotencyKey: 'i' })).toEqual([
      'EXISTS',
      'EXISTS',
    ]);
  });

  it.each([
    ['a:b', 'a', 'b'],
    ['{}:*', '{}', '*'],
    ['straße 日本 🚀', 'straße', '日本 🚀'],
    ['x'.repeat(512), 'x'.repeat(511), ''],
  ])('keeps keys and workflows apart, wherever separators fall: %j', async (key, workflow, other) => {
    const room = openEngineRoom();
    const runs = [
      { workflow: 'greet', admission: limitOf(1, key) },
      { workflow: workflow.slice(0, 128), admission: limitOf(1, `:${other}`) },
      { workflow: 'greet', admission: limitOf(1, `${[...key].slice(0, -1).join('')}.`) },
    ];
    expect(await statuses(room, ...runs)).toEqual(['CREATED', 'CREATED', 'CREATED']);
    expect(await statuses(room, ...runs)).toEqual(['LIMITED', 'LIMITED', 'LIMITED']);
  });

  it('that was lowered holds at once', async () => {
    const room = openEngineRoom();
    await statuses(room, { admission: limitOf(5) }, { admission: limitOf(5) });
    await room.advance(1_000);
    await statuses(room, { admission: limitOf(5) });
    const answer = await room.create({ admission: limitOf(1) });
    expect(answer).toMatchObject({ status: 'LIMITED' });
    expect((answer as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(PERIOD_MS - 1_000);
  });

  it('makes an event a failed delivery, that of one subscriber only', async () => {
    const room = openEngineRoom();
    const verdicts = [{ ...verdict('mail'), admission: limitOf(1, 'a"b') }, verdict('other')];
    await emit(room, { verdicts });
    await emit(room, { id: 'e2', verdicts });
    expect(await eventOf(room)).toMatchObject({ fanoutStatus: 'complete' });
    expect(await eventOf(room, 'e2')).toMatchObject({
      fanoutStatus: 'partial',
      deliveryCount: 1,
      failedDeliveryCount: 1,
      deliveries: [
        {
          workflow: 'mail',
          status: 'failed',
          error: {
            name: 'RateLimitedError',
            code: 'RATE_LIMITED',
            message: expect.stringMatching(
              /^Workflow "mail" is over its rateLimit of 1 per 60000 ms for key "a"b"\. Try again in \d+ ms\.$/,
            ),
            workflow: 'mail',
            key: 'a"b',
            limit: 1,
            period: PERIOD_MS,
            retryAfterMs: expect.any(Number),
          },
        },
        { workflow: 'other', status: 'delivered' },
      ],
    });
  });

  it('tells the step that emits an event which runs there are, also beyond the first hundred subscribers', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'r' });
    const names = Array.from({ length: 130 }, (_, index) => `s${String(index).padStart(3, '0')}`);
    const verdicts = names.map((name) => ({ ...verdict(name), admission: limitOf(1) }));
    await emit(room, { id: 'before', verdicts: verdicts.slice(120) });
    await emit(room, { verdicts }, { runId: 'r', fence, step: 'emit', order: 1 });
    const event = await eventOf(room);
    const delivered = event?.deliveries.flatMap(({ runId }) => runId ?? []) ?? [];
    expect(delivered).toHaveLength(120);
    const ids = JSON.parse((await stepOf(room, 'r', 'emit'))?.payload as string);
    expect([...ids].sort()).toEqual([...delivered].sort());
  });

  it('skips a tick, and refuses a triggered one', async () => {
    const room = openEngineRoom();
    const admission = limitOf(1);
    const due = await scheduleIn(room, -1_000);
    const run = room.newRun({ admission });
    expect(await room.send(await tickOf(room, due, { run }))).toMatchObject({ status: 'FIRED' });
    await room.redis.hset(room.key('schedule:nightly'), 'nx', due + 1);
    const tick = await tickOf(room, due + 1, { run });
    expect(await room.send(tick)).toMatchObject({ status: 'SKIPPED', nextAt: due + 1 + 3_600_000 });
    expect(await recordOf(room)).toMatchObject({ lastAt: due, nextAt: due + 1 + 3_600_000 });
    const trigger = triggerSchedule('nightly', room.newRun({ admission }));
    expect(await room.send(trigger)).toEqual({ status: 'LIMITED', retryAfterMs: expect.any(Number) });
  });

  it('refuses a child, and its step has no record', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'r' });
    const admission = limitOf(1);
    const start = (step: string, id: string) =>
      startChild({ runId: 'r', fence, step, waits: true, order: 0, child: room.newRun({ id, admission }) });
    await room.send(start('a', 'c1'));
    const refused = start('b', 'c2');
    expect(await room.send(refused)).toMatchObject({ status: 'LIMITED', childRunId: 'c2', retryAfterMs: expect.any(Number) });
    expect(await room.repeat(refused)).toMatchObject({ status: 'LIMITED' });
    expect(await room.repeat(start('a', 'c1'))).toMatchObject({ status: 'OK' });
    expect(await stepOf(room, 'r', 'b')).toBeUndefined();
    expect(await room.send(readRun('c2'))).toBeNull();
  });

  describe('of several branches', () => {
    const anyOf = (room: EngineRoom, ...children: Array<Partial<NewRun>>) =>
      awaitAny(
        { runId: 'r', fence: room.fenceOf('r'), step: 'any' },
        children.map((child, index) => ({ name: `b${index}`, child: room.newRun({ id: `c${index}`, ...child }) })),
      );

    it('counts them together, and none is started if one is refused', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r' });
      const admission = limitOf(2);
      const refused = anyOf(room, { admission }, { admission: limitOf(2, 'other') }, { admission }, { admission });
      expect(await room.send(refused)).toMatchObject({ status: 'LIMITED', childRunId: 'c3', retryAfterMs: PERIOD_MS });
      expect(await room.repeat(refused)).toMatchObject({ status: 'LIMITED' });
      expect(await stepOf(room, 'r', 'any')).toBeUndefined();
      expect(await room.queued()).toEqual([]);
      expect(await room.send(anyOf(room, { admission }, { admission }))).toMatchObject({ status: 'OK' });
      expect(await room.queued()).toEqual(['c0', 'c1']);
    });

    it('counts none that exists, or that another of them brings into being', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r' });
      const admission = limitOf(2);
      await room.create({ id: 'known', idempotencyKey: 'i', admission });
      const op = anyOf(
        room,
        { admission, idempotencyKey: 'i' },
        { admission, idempotencyKey: 'j' },
        { admission, idempotencyKey: 'j' },
      );
      expect(await room.send(op)).toMatchObject({ status: 'OK' });
      expect(await room.repeat(op)).toMatchObject({ status: 'OK' });
      expect(await room.queued()).toEqual(['known', 'c1']);
    });
  });
});
