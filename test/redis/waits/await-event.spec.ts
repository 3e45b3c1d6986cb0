import { describe, expect, it } from '@jest/globals';
import { parseReceivedEvent } from '../../../lib/engine/redis/events/stored-event.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import { commitStep } from '../../../lib/engine/redis/steps/commit-step.js';
import { awaitEvent } from '../../../lib/engine/redis/waits/await-event.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { emit, eventOf, stepOf } from '../../support/event-room.js';

const KEY = 'Größe:{*}';

function waitOp(room: EngineRoom, { timeoutMs, lookback = 'run', step = 'wait', fence = room.fenceOf('r') }: Choice = {}) {
  return awaitEvent({ runId: 'r', fence, step }, { event: 'tick', correlationKey: KEY, lookback }, timeoutMs);
}

interface Choice {
  timeoutMs?: number;
  lookback?: 'run' | 'none';
  step?: string;
  fence?: string;
}

const tick = (room: EngineRoom, id: string, data = '1') => emit(room, { id, name: 'tick', correlationKey: KEY, data });

async function running(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.running({ id: 'r' });
  return room;
}

describe('awaitEvent()', () => {
  it('leaves an event to others when the run is gone, as in the middle of a reset', async () => {
    const room = await running();
    await room.send(waitOp(room));
    await room.redis.unlink(room.keys.run('r'));
    expect(await tick(room, 'e1')).toMatchObject({ status: 'OK' });
    expect(await eventOf(room)).toMatchObject({ fanoutStatus: 'no_subscribers', resumedRunCount: 0 });
    expect(await room.redis.keys(room.key('listeners:*'))).toEqual([]);
  });

  it('registers one wait, also when it is sent twice', async () => {
    const room = await running();
    const op = waitOp(room, { timeoutMs: 60_000 });
    const answer = await room.send(op);
    expect(await room.repeat(op)).toMatchObject({ ...answer, now: expect.any(Number) });
    expect(answer).toMatchObject({ status: 'OK', isOver: false, wakeAt: answer.now + 60_000 });
    expect(await stepOf(room, 'r', 'wait')).toMatchObject({ kind: 'e', status: 'w', order: 0, moment: answer.wakeAt });
  });

  it('refuses the fence of an earlier owner', async () => {
    const room = await running();
    expect(await room.send(waitOp(room, { fence: room.fenceOf('r', -1) }))).toMatchObject({ status: 'LOST' });
    expect(await stepOf(room, 'r', 'wait')).toBeUndefined();
  });

  it('is over at once when the event came after the run was created', async () => {
    const room = openEngineRoom();
    await tick(room, 'before');
    await room.running({ id: 'r' });
    await tick(room, 'after', '{"a":1}');
    const op = waitOp(room);
    expect(await room.send(op)).toMatchObject({ isOver: true });
    expect(await room.repeat(op)).toMatchObject({ isOver: true });
    const step = await stepOf(room, 'r', 'wait');
    expect(step).toMatchObject({ status: 'd' });
    expect(parseReceivedEvent(step?.payload as string)).toMatchObject({ id: 'after', data: { a: 1 }, correlationKey: KEY });
    expect(await eventOf(room, 'after')).toMatchObject({ resumedRunIds: ['r'] });
  });

  it('does not look back with lookback none, and takes what comes later', async () => {
    const room = await running();
    await tick(room, 'before');
    expect(await room.send(waitOp(room, { lookback: 'none' }))).toMatchObject({ isOver: false });
    await tick(room, 'after');
    expect(parseReceivedEvent((await stepOf(room, 'r', 'wait'))?.payload as string).id).toBe('after');
  });

  it('queues a parked run with the event, once', async () => {
    const room = await running();
    await room.send(waitOp(room));
    expect(await room.send(parkRun('r', room.fenceOf('r'), undefined, ['wait']))).toMatchObject({ status: 'PARKED' });
    expect(await room.due()).toEqual([]);
    await tick(room, 'e');
    expect(await room.send(readRun('r'))).toMatchObject({ status: 'queued' });
    expect(await room.queued()).toEqual(['r']);
    await tick(room, 'e');
    expect(await room.queued()).toEqual(['r']);
  });

  it('keeps a pass going that parks after the event came', async () => {
    const room = await running();
    await room.send(waitOp(room));
    await tick(room, 'e');
    expect(await room.send(parkRun('r', room.fenceOf('r'), undefined, ['wait']))).toMatchObject({ status: 'READY' });
  });

  it('consumes every event once, oldest first', async () => {
    const room = await running();
    for (const id of ['one', 'two', 'three']) await tick(room, id);
    for (const [step, id] of [
      ['a', 'one'],
      ['b', 'two'],
      ['c', 'three'],
    ] as const) {
      await room.send(waitOp(room, { step }));
      expect(parseReceivedEvent((await stepOf(room, 'r', step))?.payload as string).id).toBe(id);
    }
    expect(await room.send(waitOp(room, { step: 'd' }))).toMatchObject({ isOver: false });
  });

  it('is decided by whoever writes first: the event or the timeout', async () => {
    const timeout = {
      runId: 'r',
      name: 'wait',
      kind: 'e',
      status: 's',
      order: 1,
      attempt: 1,
      base: 0,
      elapsedMs: 0,
      payload: 'null',
    } as const;
    const first = await running();
    await first.send(waitOp(first, { timeoutMs: 60_000 }));
    await tick(first, 'e');
    expect(await first.send(commitStep({ ...timeout, fence: first.fenceOf('r') }))).toMatchObject({ status: 'TAKEN' });

    const second = await running();
    await second.send(waitOp(second, { timeoutMs: 60_000 }));
    await second.advance(60_000);
    await tick(second, 'e');
    expect(await stepOf(second, 'r', 'wait')).toMatchObject({ status: 'w' });
    await second.send(commitStep({ ...timeout, fence: second.fenceOf('r') }));
    await tick(second, 'later');
    expect(await stepOf(second, 'r', 'wait')).toMatchObject({ status: 's', payload: 'null' });
    // The event that came too late is there for the next wait.
    await second.send(waitOp(second, { step: 'next' }));
    expect(parseReceivedEvent((await stepOf(second, 'r', 'next'))?.payload as string).id).toBe('e');
  });

  it('leaves no listener when the run ends', async () => {
    const room = await running();
    await room.send(waitOp(room));
    await room.send(finishRun('r', room.fenceOf('r'), 'succeeded', ''));
    expect(await room.redis.keys(room.key('listen*'))).toEqual([]);
    await tick(room, 'e');
    expect(await eventOf(room, 'e')).toMatchObject({ resumedRunCount: 0 });
  });
});
