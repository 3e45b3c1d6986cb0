import { describe, expect, it } from '@jest/globals';
import { passPoint } from '../../../lib/engine/redis/compensation/pass-point.js';
import { completed } from '../../support/completed-step.js';
import { openEngineRoom } from '../../support/engine-room.js';

const pointOf = (room: ReturnType<typeof openEngineRoom>) => room.redis.hget(room.keys.data('r1'), 'pt');

describe('passPoint()', () => {
  it('stores its number and place, and leaves nothing to compensate, once', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'r1' });
    await room.send(completed('r1', fence, 'A', 1));
    expect(await room.field('r1', 'cp')).toBe('1');
    const op = passPoint('r1', fence, { number: 1, order: 2, hasOpen: false });
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('OK');
    expect(await pointOf(room)).toBe('1,2');
    expect(await room.field('r1', 'cp')).toBeNull();
  });

  it('does not move when an earlier one is replayed', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'r1' });
    await room.send(passPoint('r1', fence, { number: 1, order: 2, hasOpen: false }));
    await room.send(passPoint('r1', fence, { number: 2, order: 4, hasOpen: false }));
    await room.send(completed('r1', fence, 'A', 5));
    expect(await room.repeat(passPoint('r1', fence, { number: 1, order: 9, hasOpen: false }))).toBe('OK');
    expect(await room.repeat(passPoint('r1', fence, { number: 2, order: 9, hasOpen: false }))).toBe('OK');
    expect(await pointOf(room)).toBe('2,4');
    expect(await room.field('r1', 'cp')).toBe('1');
  });

  it('clears again what a repeated commit has set before it', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'r1' });
    for (let call = 0; call < 2; call++) {
      await room.send(completed('r1', fence, 'A', 1));
      await room.send(passPoint('r1', fence, { number: 1, order: 2, hasOpen: false }));
    }
    expect(await room.field('r1', 'cp')).toBeNull();
  });

  it('leaves a step that is in flight to be undone', async () => {
    const room = openEngineRoom();
    const { fence } = await room.running({ id: 'r1' });
    await room.send(completed('r1', fence, 'A', 1));
    const op = passPoint('r1', fence, { number: 1, order: 2, hasOpen: true });
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('OK');
    expect(await room.field('r1', 'cp')).toBe('1');
  });

  it('refuses the fence of an earlier owner', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.repeat(passPoint('r1', room.fenceOf('r1', -1), { number: 1, order: 2, hasOpen: false }))).toBe('LOST');
  });
});
