import { describe, expect, it } from '@jest/globals';
import { continueEvent } from '../../../lib/engine/redis/events/continue-event.js';
import { sweepEvents } from '../../../lib/engine/redis/retention/sweep-events.js';
import { awaitEvent } from '../../../lib/engine/redis/waits/await-event.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { emit, eventOf, verdict } from '../../support/event-room.js';

describe('sweepEvents()', () => {
  it('deletes events past their retention with all that belongs to them, so many a call', async () => {
    const room = openEngineRoom();
    for (const id of ['a', 'b', 'c']) await emit(room, { id, name: 'tick', correlationKey: 'k' });
    await room.advance(10_000);
    await emit(room, { id: 'young', name: 'tick', correlationKey: 'k' });
    expect(await room.send(sweepEvents(5_000, 2))).toEqual({ deleted: 2, more: true });
    expect(await room.send(sweepEvents(5_000, 2))).toEqual({ deleted: 1, more: false });
    expect((await room.send(sweepEvents(5_000, 2))).deleted).toBe(0);
    expect(await eventOf(room, 'young')).not.toBeNull();
    expect((await room.send(sweepEvents(-1, 10))).deleted).toBe(1);
    expect(Object.keys(await room.contents())).toEqual(['counters']);
  });

  it('leaves an event whose fan-out is not done', async () => {
    const room = openEngineRoom();
    await emit(room, { verdicts: Array.from({ length: 101 }, (_, index) => verdict(`w${index}`)) });
    expect((await room.send(sweepEvents(-1, 10))).deleted).toBe(0);
    await room.send(continueEvent('e1'));
    expect((await room.send(sweepEvents(-1, 10))).deleted).toBe(1);
  });

  it('lets a wait go on that looks back to what is gone', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'r' });
    await emit(room, { name: 'tick', correlationKey: 'k' });
    await room.send(sweepEvents(-1, 10));
    const wait = { event: 'tick', correlationKey: 'k', lookback: 'run' as const };
    expect(await room.send(awaitEvent({ runId: 'r', fence, step: 'wait' }, wait))).toMatchObject({ status: 'OK', isOver: false });
  });
});
