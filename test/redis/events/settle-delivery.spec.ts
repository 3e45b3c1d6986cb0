import { describe, expect, it } from '@jest/globals';
import { settleDelivery } from '../../../lib/engine/redis/events/settle-delivery.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { emit, eventOf, subscribe } from '../../support/event-room.js';

const ERROR = '{"name":"Error","message":"x"}';

/** Two subscribers that the emitter does not know; the run of the first is claimed. */
async function unjudged(): Promise<{ room: EngineRoom; runId: string }> {
  const room = openEngineRoom();
  await subscribe(room, 'a', 'order.created');
  await subscribe(room, 'b', 'order.created');
  await emit(room);
  await room.register();
  const [{ run }] = await room.claim('w1', { want: 1 });
  expect(run).toMatchObject({ workflow: 'a', unjudged: true });
  return { room, runId: run.id };
}

describe('settleDelivery()', () => {
  it('takes the mark from a run that is delivered', async () => {
    const { room, runId } = await unjudged();
    const op = settleDelivery(runId, room.fenceOf(runId), { status: 'd', error: '' });
    await room.send(op);
    await room.repeat(op);
    expect(await room.field(runId, 'fc')).toBeNull();
    expect(await eventOf(room)).toMatchObject({ deliveryCount: 2, fanoutStatus: 'complete' });
  });

  it.each([
    ['s', 'skipped', 'complete', 0],
    ['f', 'failed', 'partial', 1],
  ] as const)('counts a delivery as %s, once', async (status, name, fanoutStatus, failedDeliveryCount) => {
    const { room, runId } = await unjudged();
    const op = settleDelivery(runId, room.fenceOf(runId), { status, error: status === 'f' ? ERROR : '' });
    await room.send(op);
    await room.repeat(op);
    expect(await eventOf(room)).toMatchObject({ subscriberCount: 2, deliveryCount: 1, failedDeliveryCount, fanoutStatus });
    expect((await eventOf(room))?.deliveries[0]).toMatchObject({ workflow: 'a', status: name, runId });
    const run = await room.send(readRun(runId));
    if (status === 's')
      expect(run).toMatchObject({ status: 'canceled', cancelReason: expect.stringContaining('skips event "e1"') });
    else expect(run).toMatchObject({ status: 'failed', error: { name: 'Error', message: 'x' } });
    expect(await room.owned()).toEqual([]);
  });

  it('refuses the fence of an earlier owner', async () => {
    const { room, runId } = await unjudged();
    expect(await room.send(settleDelivery(runId, room.fenceOf(runId, -1), { status: 's', error: '' }))).toBe('LOST');
    expect(await eventOf(room)).toMatchObject({ deliveryCount: 2 });
  });
});
