import { describe, expect, it } from '@jest/globals';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { retireWorker } from '../../../lib/engine/redis/workers/retire-worker.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const join = (room: EngineRoom, workerId: string, deployment = 'd1', overrides = {}) =>
  room.register(workerId, ['default'], { deployment, workflows: ['greet'], ...overrides });

const startOf = async (room: EngineRoom, deployment = 'd1') => room.redis.hget(room.key(`deployment:${deployment}`), 'at');

describe('a deployment', () => {
  it('starts with its first worker, and others do not make it younger', async () => {
    const room = openEngineRoom();
    await join(room, 'w1');
    const start = await startOf(room);
    expect(Number(start)).toBeGreaterThan(0);
    await join(room, 'w2');
    await join(room, 'w1');
    expect(await startOf(room)).toBe(start);
    await room.send(removeWorker('w1'));
    await join(room, 'w3');
    expect(await startOf(room)).toBe(start);
  });

  it('starts again when all of its workers had gone', async () => {
    const room = openEngineRoom();
    await join(room, 'old1');
    const start = Number(await startOf(room));
    await join(room, 'new1', 'd2');
    await room.send(removeWorker('old1'));
    expect(await startOf(room)).toBeNull();
    await join(room, 'old2');
    expect(Number(await startOf(room))).toBeGreaterThan(Number(await startOf(room, 'd2')));
    expect(Number(await startOf(room))).toBeGreaterThan(start);
  });

  it('starts again when the leases of all had run out, reaped or not', async () => {
    const room = openEngineRoom();
    await join(room, 'w1');
    const first = Number(await startOf(room));
    await room.expireLease('w1');
    await join(room, 'w2');
    const second = Number(await startOf(room));
    expect(second).toBeGreaterThan(first);
    await room.send(reapWorkers(10));
    expect(Number(await startOf(room))).toBe(second);
  });

  it('keeps its age when a worker that was reaped registers again', async () => {
    const room = openEngineRoom();
    await join(room, 'w1');
    const start = (await startOf(room)) as string;
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await startOf(room)).toBeNull();
    await join(room, 'w1', 'd1', { since: start });
    expect(await startOf(room)).toBe(start);
  });

  it('has no part in a worker that stops, also if that registers again', async () => {
    const room = openEngineRoom();
    await join(room, 'w1');
    const op = retireWorker('w1', ['default']);
    await room.send(op);
    expect(await startOf(room)).toBeNull();
    await room.repeat(op);
    await join(room, 'w1', '');
    expect(Object.keys(await room.contents()).filter((key) => /^(deployment|team|members)/.test(key))).toEqual([]);
  });

  it('leaves nothing behind', async () => {
    const room = openEngineRoom();
    for (let n = 0; n < 20; n++) {
      await join(room, `w${n}`, `d${n}`);
      await room.send(removeWorker(`w${n}`));
    }
    expect(Object.keys(await room.contents())).toEqual(['counters']);
  });

  it('lives on under a worker that now serves something else', async () => {
    const room = openEngineRoom();
    await join(room, 'w1');
    await join(room, 'w1', 'd2', { workflows: ['other'] });
    expect(await startOf(room)).toBeNull();
    expect(await room.redis.smembers(room.key('teams:greet'))).toEqual([]);
    expect(await room.redis.smembers(room.key('teams:other'))).toHaveLength(1);
  });
});
