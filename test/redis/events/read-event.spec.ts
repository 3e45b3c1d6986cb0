import { describe, expect, it } from '@jest/globals';
import { readEvent } from '../../../lib/engine/redis/events/read-event.js';
import { openEngineRoom } from '../../support/engine-room.js';
import { emit, verdict } from '../../support/event-room.js';

describe('readEvent()', () => {
  it('answers null for an unknown event', async () => {
    expect(await openEngineRoom().send(readEvent('nope'))).toBeNull();
  });

  it('answers the whole record', async () => {
    const room = openEngineRoom();
    const failed = verdict('broken', 'f', '{"name":"TypeError","message":"x"}');
    await emit(room, { name: 'größe.{*}', ts: 1_000, correlationKey: 'k', data: '', verdicts: [failed, verdict('ok')] });
    expect(await room.send(readEvent('e1'))).toEqual({
      id: 'e1',
      name: 'größe.{*}',
      ts: 1_000,
      data: undefined,
      correlationKey: 'k',
      subscriberCount: 2,
      deliveryCount: 1,
      failedDeliveryCount: 1,
      fanoutStatus: 'partial',
      resumedRunCount: 0,
      resumedRunIds: [],
      deliveries: [
        { workflow: 'broken', status: 'failed', error: { name: 'TypeError', message: 'x' } },
        { workflow: 'ok', status: 'delivered', runId: expect.stringMatching(/^[0-9a-f]{40}$/) },
      ],
    });
  });
});
