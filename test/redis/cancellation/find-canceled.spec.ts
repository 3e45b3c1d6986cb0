import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { findCanceled } from '../../../lib/engine/redis/cancellation/find-canceled.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('findCanceled()', () => {
  it('answers the canceled ones among some runs with their reasons', async () => {
    const room = openEngineRoom();
    await room.createAll('r1', 'r2', 'r3');
    await room.register();
    await room.claim();
    await room.send(cancelRun({ runId: 'r1', reason: 'why', compensate: true, nonce: 'a' }));
    await room.send(cancelRun({ runId: 'r3', reason: '', compensate: true, nonce: 'b' }));
    const op = findCanceled(['r1', 'r2', 'r3', 'nobody']);
    const expected = new Map([
      ['r1', 'why'],
      ['r3', ''],
    ]);
    expect(await room.send(op)).toEqual(expected);
    expect(await room.repeat(op)).toEqual(expected);
  });
});
