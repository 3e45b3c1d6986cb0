import { describe, expect, it } from '@jest/globals';
import { continueEvent } from '../../../lib/engine/redis/events/continue-event.js';
import { awaitEvent } from '../../../lib/engine/redis/waits/await-event.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { emit, eventOf, verdict } from '../../support/event-room.js';

const many = (count: number) => Array.from({ length: count }, (_, index) => verdict(`w${index}`));

describe('continueEvent()', () => {
  it('goes on with a fan-out in bounded steps, and leaves nothing behind', async () => {
    const room = openEngineRoom();
    expect(await emit(room, { verdicts: many(250) })).toMatchObject({ more: true });
    expect(await eventOf(room)).toMatchObject({ subscriberCount: 250, deliveryCount: 100, fanoutStatus: 'pending' });
    expect(await room.send(continueEvent('e1'))).toBe(true);
    expect(await eventOf(room)).toMatchObject({ deliveryCount: 200, fanoutStatus: 'pending' });
    expect(await room.send(continueEvent('e1'))).toBe(false);
    expect(await eventOf(room)).toMatchObject({ deliveryCount: 250, fanoutStatus: 'complete' });
    expect(await room.repeat(continueEvent('e1'))).toBe(false);
    expect(await room.queued()).toHaveLength(250);
    expect(await room.redis.exists(room.key('pending'), room.key('fanout:e1'))).toBe(0);
  });

  it('finds by itself what a crashed emitter left', async () => {
    const room = openEngineRoom();
    await emit(room, { verdicts: many(150) });
    await emit(room, { id: 'e2', verdicts: many(150) });
    while (await room.send(continueEvent()));
    for (const id of ['e1', 'e2'])
      expect(await eventOf(room, id)).toMatchObject({ deliveryCount: 150, fanoutStatus: 'complete' });
    expect(await room.send(continueEvent())).toBe(false);
  });

  it('resumes waits in bounded steps, and an event that follows does not overtake', async () => {
    const room = openEngineRoom();
    await room.register();
    for (let index = 0; index < 150; index++) await room.create({ id: `r${index}` });
    const runs = await room.claim('w1', { want: 150 });
    for (const { run, fence } of runs) {
      const wait = { event: 'tick', correlationKey: 'k', lookback: 'run' as const };
      await room.send(awaitEvent({ runId: run.id, fence, step: 'wait' }, wait));
    }
    expect(await emit(room, { name: 'tick', correlationKey: 'k' })).toMatchObject({ more: true });
    expect((await eventOf(room))?.resumedRunCount).toBe(100);
    expect(await emit(room, { id: 'e2', name: 'tick', correlationKey: 'k' })).toMatchObject({ more: false });
    expect(await eventOf(room, 'e1')).toMatchObject({ resumedRunCount: 150 });
    expect(await eventOf(room, 'e2')).toMatchObject({ resumedRunCount: 0 });
    expect(await room.send(continueEvent('e1'))).toBe(false);
  });
});
