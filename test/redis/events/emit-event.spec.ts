import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { emitEvent } from '../../../lib/engine/redis/events/emit-event.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { emit, eventOf, newEvent, stepOf, subscribe, verdict } from '../../support/event-room.js';

describe('emitEvent()', () => {
  it('records the event and creates one run per subscriber, also when it is sent twice', async () => {
    const room = openEngineRoom();
    const op = emitEvent(newEvent({ verdicts: [verdict('mail'), verdict('analytics')] }));
    expect(await room.send(op)).toMatchObject({ status: 'OK', more: false });
    expect(await room.repeat(op)).toMatchObject({ status: 'OK', more: false });
    const event = await eventOf(room);
    expect(event).toMatchObject({
      id: 'e1',
      name: 'order.created',
      data: { n: 1 },
      subscriberCount: 2,
      deliveryCount: 2,
      failedDeliveryCount: 0,
      fanoutStatus: 'complete',
      resumedRunIds: [],
    });
    const [analytics, mail] = event?.deliveries ?? [];
    expect([analytics.workflow, mail.workflow]).toEqual(['analytics', 'mail']);
    expect(analytics.runId).not.toBe(mail.runId);
    expect(await room.send(readRun(mail.runId as string))).toMatchObject({
      workflow: 'mail',
      status: 'queued',
      trigger: 'event',
      eventId: 'e1',
      input: { n: 1 },
    });
    expect(await room.queued()).toHaveLength(2);
  });

  it('answers EXISTS to another emit with the id, whatever its data, and creates nothing', async () => {
    const room = openEngineRoom();
    await emit(room, { nonce: 'a', verdicts: [verdict('mail')] });
    expect(await emit(room, { nonce: 'a', verdicts: [verdict('mail')] })).toMatchObject({ status: 'OK' });
    const other = { nonce: 'b', data: '2', name: 'other', verdicts: [verdict('more')] };
    expect(await emit(room, other)).toMatchObject({ status: 'EXISTS' });
    expect(await eventOf(room)).toMatchObject({ name: 'order.created', data: { n: 1 }, subscriberCount: 1 });
    expect(await room.queued()).toHaveLength(1);
  });

  it('stores a delivery whose run id another workflow has as failed, with the code of the error', async () => {
    const room = openEngineRoom();
    const id = createHash('sha1').update('e1\0mail').digest('hex');
    await room.create({ id, workflow: 'other' });
    await emit(room, { verdicts: [verdict('mail')] });
    const [delivery] = (await eventOf(room))?.deliveries ?? [];
    expect(delivery).toMatchObject({
      status: 'failed',
      error: { name: 'IdempotencyConflictError', code: 'IDEMPOTENCY_CONFLICT' },
    });
  });

  it.each([
    ['complete', [verdict('a'), verdict('b', 's')]],
    ['partial', [verdict('a'), verdict('b', 'f', '{"name":"Error","message":"x"}')]],
    ['failed', [verdict('a', 'f', '{"name":"Error","message":"x"}')]],
    ['complete', [verdict('a', 's')]],
    ['no_subscribers', []],
  ] as const)('says that the fan-out is %s', async (status, verdicts) => {
    const room = openEngineRoom();
    await emit(room, { verdicts });
    const event = await eventOf(room);
    expect(event?.fanoutStatus).toBe(status);
    expect(event?.subscriberCount).toBe(verdicts.length);
    expect(event?.deliveryCount).toBe(verdicts.filter((one) => one.status === 'd').length);
    for (const delivery of event?.deliveries ?? []) {
      expect('runId' in delivery).toBe(delivery.status === 'delivered');
      expect('error' in delivery).toBe(delivery.status === 'failed');
    }
  });

  it('takes subscribers from the registry: by name and by pattern, once each, an emitter that knows one first', async () => {
    const room = openEngineRoom();
    await subscribe(room, 'exact', 'order.created');
    await subscribe(room, 'one', 'order.*');
    await subscribe(room, 'any', 'order.**');
    await subscribe(room, 'all', '**');
    await subscribe(room, 'both', '*.created');
    await subscribe(room, 'both', 'order.created');
    await subscribe(room, 'known', 'order.created');
    await subscribe(room, 'none', 'order.*.late');
    await subscribe(room, 'not', 'order');
    await room.redis.hset(room.key('workflows'), 'one', JSON.stringify({ queue: 'slow', priority: 3, maxAttempts: 7, tags: {} }));
    await emit(room, { verdicts: [verdict('known', 's')] });
    const event = await eventOf(room);
    const names = (status: string) => event?.deliveries.filter((one) => one.status === status).map(({ workflow }) => workflow);
    expect(names('delivered')).toEqual(['all', 'any', 'both', 'exact', 'one']);
    expect(names('skipped')).toEqual(['known']);
    const one = event?.deliveries.find(({ workflow }) => workflow === 'one');
    expect(await room.send(readRun(one?.runId as string))).toMatchObject({ queue: 'slow', priority: 3, maxAttempts: 7 });
    expect(await room.queued('slow')).toEqual([one?.runId]);
  });

  it.each([
    ['order.*', 'order', false],
    ['order.*', 'order.created.late', false],
    ['order.**', 'order', true],
    ['order.**', 'order.created.late', true],
    ['*', 'order', true],
    ['*.*', 'order.', true],
    ['**', 'a.b.c', true],
    ['a.*.c', 'a.b.c', true],
    ['a.%d', 'a.1', false],
  ])('pattern %s on event %s: %s', async (pattern, name, matches) => {
    const room = openEngineRoom();
    await subscribe(room, 'w', pattern);
    await emit(room, { name });
    expect((await eventOf(room))?.subscriberCount).toBe(matches ? 1 : 0);
  });

  describe('from a step', () => {
    it('stores the ids of the runs with the step, in one script, also when it is sent twice', async () => {
      const room = openEngineRoom();
      const { fence } = await room.running({ id: 'r' });
      const op = emitEvent(newEvent({ verdicts: [verdict('mail'), verdict('no', 's')] }), {
        runId: 'r',
        fence,
        step: 'emit',
        order: 1,
      });
      const { result } = await room.send(op);
      expect(await room.repeat(op)).toMatchObject({ status: 'OK', result });
      const event = await eventOf(room);
      expect(JSON.parse(result)).toEqual([event?.deliveries[0].runId]);
      expect(await stepOf(room, 'r', 'emit')).toMatchObject({ kind: 'n', status: 's', order: 1, payload: result });
    });

    it('says again that there is more to do, when the answer was lost', async () => {
      const room = openEngineRoom();
      const { fence } = await room.running({ id: 'r' });
      const verdicts = Array.from({ length: 101 }, (_, index) => verdict(`w${index}`));
      const op = emitEvent(newEvent({ verdicts }), { runId: 'r', fence, step: 'emit', order: 1 });
      expect(await room.send(op)).toMatchObject({ status: 'OK', more: true });
      expect(await room.repeat(op)).toMatchObject({ status: 'OK', more: true });
    });

    it('stores an empty list where nobody is subscribed', async () => {
      const room = openEngineRoom();
      const { fence } = await room.running({ id: 'r' });
      expect((await emit(room, {}, { runId: 'r', fence, step: 'emit', order: 1 })).result).toBe('[]');
    });

    it('emits nothing with the fence of an earlier owner', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r' });
      const stale = { runId: 'r', fence: room.fenceOf('r', -1), step: 'emit', order: 1 };
      expect(await emit(room, { verdicts: [verdict('mail')] }, stale)).toMatchObject({ status: 'LOST' });
      expect(await eventOf(room)).toBeNull();
      expect(await room.queued()).toEqual([]);
    });

    it('answers the runs of an event that was emitted before under its id', async () => {
      const room = openEngineRoom();
      await emit(room, { verdicts: [verdict('mail')] });
      const { fence } = await room.running({ id: 'r', queue: 'default' });
      const { status, result } = await emit(room, {}, { runId: 'r', fence: room.fenceOf('r') ?? fence, step: 'emit', order: 1 });
      expect(status).toBe('EXISTS');
      expect(JSON.parse(result)).toEqual([(await eventOf(room))?.deliveries[0].runId]);
    });
  });
});
