import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { finishUnwinding } from '../../../lib/engine/redis/compensation/finish-unwinding.js';
import { unwindRun } from '../../../lib/engine/redis/compensation/unwind-run.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { pauseQueue } from '../../../lib/engine/redis/queues/pause-queue.js';
import { resumeQueue } from '../../../lib/engine/redis/queues/resume-queue.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { promoteDue } from '../../../lib/engine/redis/runs/promote-due.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { retireWorker } from '../../../lib/engine/redis/workers/retire-worker.js';
import { declareOp } from '../../support/declaring.js';
import { type EngineRoom, idsOf, openEngineRoom } from '../../support/engine-room.js';

const KINDS = ['mutex', 'throttle', 'maxConcurrency'] as const;
type Kind = (typeof KINDS)[number];

const QUEUES = ['default', 'other'];

/** Of runs of the workflow in queue "other" that have not begun. */
const PLACE = '5:othergreet\0';
const PASSED = `passed:${PLACE}`;
const HANDED = `handed:${PLACE}`;

/** Worker w1 serves both queues; a gate lets one run at a time pass. */
async function roomWithGate(kind: Kind): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.register('w1', QUEUES, { workflows: ['greet'] });
  if (kind === 'maxConcurrency') {
    await room.send(declareOp('w1', [{ maxConcurrency: 1 }]));
  }
  return room;
}

async function create(room: EngineRoom, kind: Kind, id: string, queue = 'default'): Promise<void> {
  await room.create({ id, queue });
  if (kind === 'mutex') await room.redis.hset(room.keys.run(id), 'mx', 'k');
  if (kind === 'throttle') await room.redis.hset(room.keys.run(id), 'th', '1,60000,k');
}

/** Creates a run that waits at the gate. */
async function arrive(room: EngineRoom, kind: Kind, id: string, queue = 'default'): Promise<void> {
  await create(room, kind, id, queue);
  expect(await claim(room)).toEqual([]);
}

async function claim(room: EngineRoom, worker = 'w1', queues = QUEUES): Promise<string[]> {
  return idsOf(await room.claim(worker, { queues }));
}

/** Ends a run that has started, and what its start took with it. */
async function free(room: EngineRoom, kind: Kind, id: string): Promise<void> {
  await room.send(finishRun(id, room.fenceOf(id), 'succeeded', ''));
  if (kind === 'throttle') {
    await room.advance(60_000);
    await room.send(promoteDue(100));
  }
}

async function twice<T>(room: EngineRoom, op: Parameters<EngineRoom['send']>[0]): Promise<T> {
  await room.send(op);
  return (await room.repeat(op)) as T;
}

const blockedBy = async (room: EngineRoom, id: string) => (await room.send(readRun(id)))?.blockedBy;

/** Keys of gates that must be gone once all runs have ended. */
const leftovers = async (room: EngineRoom) =>
  Object.keys(await room.contents()).filter((key) => /^(line|waiting|passed|handed|mutex|slots):/.test(key));

describe.each(KINDS)('the line of a %s', (kind) => {
  it('passes over runs in a paused queue, which keep their places', async () => {
    const room = await roomWithGate(kind);
    await create(room, kind, 'first');
    await claim(room);
    await arrive(room, kind, 'paused', 'other');
    await arrive(room, kind, 'next');
    await arrive(room, kind, 'last');
    await room.send(pauseQueue('other'));
    await free(room, kind, 'first');
    expect(await claim(room)).toEqual(['next']);
    expect(await blockedBy(room, 'paused')).toBe(kind);
    await twice(room, resumeQueue('other'));
    await free(room, kind, 'next');
    expect(await claim(room)).toEqual(['paused']);
    await free(room, kind, 'paused');
    expect(await claim(room)).toEqual(['last']);
    await free(room, kind, 'last');
    expect(await leftovers(room)).toEqual([]);
  });

  it('lets a run that was passed over go when its queue is resumed and nobody else wants to', async () => {
    const room = await roomWithGate(kind);
    await create(room, kind, 'first');
    await claim(room);
    await arrive(room, kind, 'paused', 'other');
    await room.send(pauseQueue('other'));
    await free(room, kind, 'first');
    expect(await claim(room)).toEqual([]);
    await room.send(resumeQueue('other'));
    expect(await claim(room)).toEqual(['paused']);
  });

  it('hands on what a run has not begun to use when its queue is paused; the run goes back to its place', async () => {
    const room = await roomWithGate(kind);
    await create(room, kind, 'first');
    await claim(room);
    await arrive(room, kind, 'handed', 'other');
    await arrive(room, kind, 'next');
    await arrive(room, kind, 'last', 'other');
    await free(room, kind, 'first');
    expect(await room.queued('other')).toEqual(['handed']);
    await twice(room, pauseQueue('other'));
    expect(await blockedBy(room, 'handed')).toBe(kind);
    expect(await claim(room)).toEqual(['next']);
    await room.send(resumeQueue('other'));
    await free(room, kind, 'next');
    expect(await claim(room)).toEqual(['handed']);
    await free(room, kind, 'handed');
    expect(await claim(room)).toEqual(['last']);
    await free(room, kind, 'last');
    expect(await leftovers(room)).toEqual([]);
  });

  it.each<[string, (room: EngineRoom) => Promise<unknown>]>([
    ['crashed', async (room) => [await room.expireLease('w2'), await room.send(reapWorkers(10))]],
    ['left', (room) => room.send(removeWorker('w2'))],
    ['stopped claiming', (room) => room.send(retireWorker('w2', ['other']))],
  ])('passes over runs whose last worker %s, and lets them go on with the next one', async (_, leave) => {
    const room = await roomWithGate(kind);
    await room.register('w1', ['default']);
    await room.register('w2', ['other']);
    await create(room, kind, 'first');
    await claim(room, 'w1', ['default']);
    await create(room, kind, 'unserved', 'other');
    await claim(room, 'w2', ['other']);
    await create(room, kind, 'next');
    await claim(room, 'w1', ['default']);
    await free(room, kind, 'first');
    expect(await room.queued('other')).toEqual(['unserved']);
    await leave(room);
    expect(await claim(room, 'w1', ['default'])).toEqual(['next']);
    await free(room, kind, 'next');
    await room.register('w3', ['other']);
    expect(await claim(room, 'w3', ['other'])).toEqual(['unserved']);
    await free(room, kind, 'unserved');
    expect(await leftovers(room)).toEqual([]);
  });

  it('forgets a run that is canceled, wherever it stands', async () => {
    const room = await roomWithGate(kind);
    await create(room, kind, 'first');
    await claim(room);
    await arrive(room, kind, 'handed', 'other');
    await arrive(room, kind, 'waits', 'other');
    await free(room, kind, 'first');
    for (const runId of ['handed', 'waits']) await twice(room, cancelRun({ runId, reason: '', compensate: true, nonce: runId }));
    await room.send(pauseQueue('other'));
    await create(room, kind, 'next');
    expect(await claim(room)).toEqual(['next']);
    await free(room, kind, 'next');
    expect(await leftovers(room)).toEqual([]);
  });
});

describe('a queue that stands still', () => {
  it('keeps the mutex of a run that has started', async () => {
    const room = await roomWithGate('mutex');
    await create(room, 'mutex', 'holder', 'other');
    await claim(room);
    await create(room, 'mutex', 'next');
    await claim(room);
    await room.send(releaseRun('holder', room.fenceOf('holder'), 0));
    await room.send(pauseQueue('other'));
    expect(await claim(room)).toEqual([]);
    await room.send(resumeQueue('other'));
    expect(await claim(room)).toEqual(['holder']);
  });

  it.each<[string, (room: EngineRoom) => Promise<unknown>]>([
    ['handed back', (room) => room.send(releaseRun('holder', room.fenceOf('holder'), 0))],
    ['taken from a dead worker', async (room) => [await room.expireLease('w2'), await room.send(reapWorkers(10))]],
  ])('gives up the slot of a run that was %s, which gets the next one', async (_, comeBack) => {
    const room = await roomWithGate('maxConcurrency');
    await room.register('w2', QUEUES);
    await create(room, 'maxConcurrency', 'holder', 'other');
    expect(await claim(room, 'w2')).toEqual(['holder']);
    await create(room, 'maxConcurrency', 'next');
    await create(room, 'maxConcurrency', 'last');
    await claim(room);
    await room.send(pauseQueue('other'));
    await comeBack(room);
    expect(await blockedBy(room, 'holder')).toBe('maxConcurrency');
    expect(await claim(room)).toEqual(['next']);
    await room.send(resumeQueue('other'));
    await free(room, 'maxConcurrency', 'next');
    expect(await claim(room)).toEqual(['holder']);
    await free(room, 'maxConcurrency', 'holder');
    expect(await claim(room)).toEqual(['last']);
  });

  it('does not hold a mutex with a run that waits for its throttle', async () => {
    const room = await roomWithGate('mutex');
    const both = async (id: string, queue: string, mutex: string) => {
      await room.create({ id, queue });
      await room.redis.hset(room.keys.run(id), 'mx', mutex, 'th', '1,60000,k');
    };
    await both('first', 'default', 'a');
    await claim(room);
    await both('waits', 'other', 'b');
    await claim(room);
    expect(await blockedBy(room, 'waits')).toBe('throttle');
    await create(room, 'mutex', 'free-of-throttle');
    await room.redis.hset(room.keys.run('free-of-throttle'), 'mx', 'b');
    await claim(room);
    expect(await blockedBy(room, 'free-of-throttle')).toBe('mutex');
    await room.send(pauseQueue('other'));
    expect(await claim(room)).toEqual(['free-of-throttle']);
    expect(await blockedBy(room, 'waits')).toBe('mutex');
    await room.send(resumeQueue('other'));
    await room.send(finishRun('free-of-throttle', room.fenceOf('free-of-throttle'), 'succeeded', ''));
    await room.send(finishRun('first', room.fenceOf('first'), 'succeeded', ''));
    await room.advance(60_000);
    expect(await claim(room)).toEqual(['waits']);
  });

  it('is left and entered again in bounded calls, however many keys wait there', async () => {
    const room = await roomWithGate('mutex');
    const keys = Array.from({ length: 70 }, (_, index) => `k${index}`);
    const withKey = async (id: string, queue: string, key: string) => {
      await room.create({ id, queue });
      await room.redis.hset(room.keys.run(id), 'mx', key);
    };
    for (const key of keys) await withKey(`holder-${key}`, 'default', key);
    while ((await claim(room)).length > 0);
    for (const key of keys) await withKey(`waits-${key}`, 'other', key);
    while ((await claim(room)).length > 0);
    await room.send(pauseQueue('other'));
    for (const key of keys) await room.send(finishRun(`holder-${key}`, room.fenceOf(`holder-${key}`), 'succeeded', ''));
    expect(await room.redis.scard(room.key(PASSED))).toBe(70);
    await room.send(resumeQueue('other'));
    const left = await room.redis.scard(room.key(PASSED));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(70);
    while ((await room.redis.scard(room.key(PASSED))) > 0) await room.send(promoteDue(100));
    expect((await room.queued('other')).length).toBe(70);
    await room.send(pauseQueue('other'));
    expect((await room.queued('other')).length).toBeGreaterThan(0);
    while ((await room.queued('other')).length > 0) await room.send(promoteDue(100));
    expect(await room.redis.zcard(room.key(HANDED))).toBe(0);
    await room.send(resumeQueue('other'));
    const started: string[] = [];
    while (started.length < 70) started.push(...(await claim(room)));
    expect(new Set(started).size).toBe(70);
  });
});

describe('the slot of a run whose compensations are to run', () => {
  it('is handed on when its queue is paused, and waited for again once it goes on', async () => {
    const room = await roomWithGate('maxConcurrency');
    await create(room, 'maxConcurrency', 'unwinding', 'other');
    await claim(room);
    await room.send(unwindRun('unwinding', room.fenceOf('unwinding'), '{}'));
    await create(room, 'maxConcurrency', 'next');
    await room.send(pauseQueue('other'));
    expect(await claim(room)).toEqual(['next']);
    await room.send(resumeQueue('other'));
    expect(await claim(room)).toEqual([]);
    await free(room, 'maxConcurrency', 'next');
    expect(await claim(room)).toEqual(['unwinding']);
    await room.send(finishUnwinding('unwinding', room.fenceOf('unwinding'), '', ''));
    expect(await leftovers(room)).toEqual([]);
  });
});
