import { describe, expect, it } from '@jest/globals';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { promoteDue } from '../../../lib/engine/redis/runs/promote-due.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('promoteDue()', () => {
  it('moves what is due into its queue, by due time, and nothing else', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'second', start: { delayMs: 2_000 } });
    await room.create({ id: 'first', start: { delayMs: 1_000 } });
    await room.create({ id: 'later', start: { delayMs: 900_000 } });
    await room.create({ id: 'elsewhere', queue: 'other', start: { delayMs: 500 } });
    await room.advance(2_000);
    await room.send(promoteDue(100));
    expect(await room.queued()).toEqual(['first', 'second']);
    expect(await room.queued('other')).toEqual(['elsewhere']);
    expect(await room.due()).toEqual(['later']);
    expect((await room.send(readRun('first')))?.status).toBe('queued');
    expect((await room.send(readRun('later')))?.status).toBe('scheduled');
  });

  it('keeps the priority', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'low', start: { delayMs: 1_000 } });
    await room.create({ id: 'high', priority: 8, start: { delayMs: 2_000 } });
    await room.advance(2_000);
    await room.send(promoteDue(100));
    expect(await room.queued()).toEqual(['high', 'low']);
  });

  it('moves no more than its limit, and answers how long the next one still takes', async () => {
    const room = openEngineRoom();
    expect(await room.send(promoteDue(2))).toBeUndefined();
    for (const id of ['a', 'b', 'c']) await room.create({ id, start: { delayMs: 1_000 } });
    await room.create({ id: 'd', start: { delayMs: 600_000 } });
    await room.advance(1_000);
    expect(await room.send(promoteDue(2))).toBe(0);
    expect(await room.queued()).toHaveLength(2);
    const next = await room.send(promoteDue(2));
    expect(next).toBeGreaterThan(0);
    expect(next).toBeLessThanOrEqual(599_000);
    expect(await room.queued()).toHaveLength(3);
  });

  it('wakes an idle worker of the queue', async () => {
    const room = openEngineRoom();
    await room.create({ start: { delayMs: 1_000 } });
    await room.register();
    await room.claim();
    await room.advance(1_000);
    await room.send(promoteDue(10));
    expect(await room.wakeUps('w1')).toBe(1);
  });

  it('drops entries of runs that are gone or no longer wait', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'running' });
    await room.redis.zadd(room.key('due'), 1, 'gone', 1, 'running');
    await room.send(promoteDue(10));
    expect(await room.due()).toEqual([]);
    expect(await room.queued()).toEqual([]);
    expect((await room.send(readRun('running')))?.status).toBe('running');
  });

  it('repeated, changes nothing', async () => {
    const room = openEngineRoom();
    await room.create({ start: { delayMs: 1_000 } });
    await room.advance(1_000);
    await room.send(promoteDue(10));
    expect(await room.repeat(promoteDue(10))).toBeUndefined();
  });
});
