import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { backOffRun } from '../../../lib/engine/redis/runs/back-off-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { promoteDue } from '../../../lib/engine/redis/runs/promote-due.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { declareOp } from '../../support/declaring.js';
import { type EngineRoom, idsOf, openEngineRoom } from '../../support/engine-room.js';

interface Gates {
  mutex?: string;
  throttle?: string;
}

async function gated(room: EngineRoom, gates: Gates, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    await room.create({ id });
    if (gates.mutex !== undefined) await room.redis.hset(room.keys.run(id), 'mx', gates.mutex);
    if (gates.throttle !== undefined) await room.redis.hset(room.keys.run(id), 'th', gates.throttle);
  }
}

async function roomOfWorker(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.register('w1', ['default'], { workflows: ['greet'] });
  return room;
}

const limitTo = (maxConcurrency?: number) => declareOp('w1', [{ maxConcurrency }]);

async function finish(room: EngineRoom, id: string): Promise<void> {
  const op = finishRun(id, room.fenceOf(id), 'succeeded', '');
  await room.send(op);
  await room.repeat(op);
}

async function cancel(room: EngineRoom, id: string): Promise<void> {
  const op = cancelRun({ runId: id, reason: '', compensate: true, nonce: id });
  await room.send(op);
  await room.repeat(op);
}

const blockedBy = async (room: EngineRoom, id: string) => (await room.send(readRun(id)))?.blockedBy;

describe('mutex', () => {
  it('lets one run of a key start, the others in the order of arrival', async () => {
    const room = await roomOfWorker();
    await gated(room, { mutex: 'k' }, 'r1', 'r2', 'r3');
    await gated(room, { mutex: '' }, 'empty');
    expect(idsOf(await room.claim())).toEqual(['r1', 'empty']);
    expect(await room.send(readRun('r2'))).toMatchObject({ status: 'queued', blockedBy: 'mutex' });
    expect(await room.claim()).toEqual([]);
    await finish(room, 'r1');
    expect(await blockedBy(room, 'r2')).toBeUndefined();
    expect(idsOf(await room.claim())).toEqual(['r2']);
    await finish(room, 'r2');
    expect(idsOf(await room.claim())).toEqual(['r3']);
    await finish(room, 'r3');
    await finish(room, 'empty');
    expect(await room.redis.keys(room.key('mutex:*'))).toEqual([]);
  });

  it('answers the same runs to a repeated claim', async () => {
    const room = await roomOfWorker();
    await gated(room, { mutex: 'k' }, 'r1', 'r2');
    const op = room.claimOp();
    await room.send(op);
    await room.repeat(op);
    expect(await blockedBy(room, 'r2')).toBe('mutex');
  });

  it('is kept through a backoff and a crash, and passes canceled waiters over', async () => {
    const room = await roomOfWorker();
    await gated(room, { mutex: 'k' }, 'r1', 'r2', 'r3');
    await room.claim();
    await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 1_000, error: '{}' }));
    expect(await room.claim()).toEqual([]);
    await room.advance(1_000);
    expect(idsOf(await room.claim())).toEqual(['r1']);
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    await room.register('w2');
    expect(idsOf(await room.claim('w2'))).toEqual(['r1']);
    await cancel(room, 'r2');
    await finish(room, 'r1');
    expect(idsOf(await room.claim('w2'))).toEqual(['r3']);
  });

  it('goes on to the next when a run that got it is canceled before it starts', async () => {
    const room = await roomOfWorker();
    await gated(room, { mutex: 'k' }, 'r1', 'r2', 'r3');
    await room.claim();
    await finish(room, 'r1');
    await cancel(room, 'r2');
    expect(idsOf(await room.claim())).toEqual(['r3']);
  });

  it('passes over a waiter that a reset has deleted', async () => {
    const room = await roomOfWorker();
    await gated(room, { mutex: 'k' }, 'r1', 'r2', 'r3');
    await room.claim();
    await room.redis.del(room.keys.run('r2'));
    await finish(room, 'r1');
    expect(idsOf(await room.claim())).toEqual(['r3']);
  });

  it('is given back by a worker that does not know the workflow', async () => {
    const room = await roomOfWorker();
    await gated(room, { mutex: 'k' }, 'r1', 'r2');
    await room.claim();
    const op = releaseRun('r1', room.fenceOf('r1'), 5_000, true);
    await room.send(op);
    expect(idsOf(await room.claim())).toEqual(['r2']);
    expect(await room.field('r1', 'hg')).toBeNull();
  });

  it('leaves other work alone, however many runs wait', async () => {
    const room = await roomOfWorker();
    await gated(room, { mutex: 'k' }, ...Array.from({ length: 450 }, (_, index) => `r${index}`));
    await room.create({ id: 'free' });
    const seen: string[] = [];
    for (let calls = 0; calls < 4 && !seen.includes('free'); calls++) {
      const claim = await room.send(room.claimOp());
      if (claim.status !== 'OK') throw new Error('The worker has no lease.');
      seen.push(...idsOf(claim.runs));
      if (!seen.includes('free')) expect(claim.nextDueMs).toBe(0);
    }
    expect(seen).toEqual(['r0', 'free']);
  });
});

describe('throttle', () => {
  it('delays starts so that no period holds more than the limit', async () => {
    const room = await roomOfWorker();
    await gated(room, { throttle: '2,60000,k:{}*' }, 'r1', 'r2', 'r3', 'r4', 'r5');
    expect(idsOf(await room.claim())).toEqual(['r1', 'r2']);
    expect(await blockedBy(room, 'r3')).toBe('throttle');
    await finish(room, 'r1');
    expect(await room.claim()).toEqual([]);
    await room.advance(60_000);
    expect(idsOf(await room.claim())).toEqual(['r3', 'r4']);
    await room.advance(60_000);
    expect(idsOf(await room.claim())).toEqual(['r5']);
    expect(await room.redis.pttl(room.key('starts:5:greet:k:{}*'))).toBeGreaterThan(0);
  });

  it('counts the first start alone, and no run that was canceled before it', async () => {
    const room = await roomOfWorker();
    await gated(room, { throttle: '1,60000,k' }, 'r1', 'r2', 'r3');
    await room.claim();
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    expect(idsOf(await room.claim())).toEqual(['r1']);
    await room.advance(60_000);
    await room.send(promoteDue(100));
    expect(await room.queued()).toEqual(['r2']);
    await cancel(room, 'r2');
    expect(await room.queued()).toEqual(['r3']);
  });
});

describe('maxConcurrency', () => {
  it('counts what executes, not what waits, and fills a slot at once', async () => {
    const room = await roomOfWorker();
    await room.send(limitTo(2));
    await room.createAll('r1', 'r2', 'r3', 'r4');
    await room.create({ id: 'other', workflow: 'other' });
    expect(idsOf(await room.claim())).toEqual(['r1', 'r2', 'other']);
    expect(await blockedBy(room, 'r3')).toBe('maxConcurrency');
    await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 1_000, error: '{}' }));
    expect(idsOf(await room.claim())).toEqual(['r3']);
    await finish(room, 'r2');
    expect(idsOf(await room.claim())).toEqual(['r4']);
    await room.advance(60_000);
    expect(await room.claim()).toEqual([]);
    expect(await blockedBy(room, 'r1')).toBe('maxConcurrency');
  });

  it('lets the waiters go on when a deployment raises or drops the limit', async () => {
    const room = await roomOfWorker();
    await room.send(limitTo(1));
    await room.createAll('r1', 'r2', 'r3', 'r4');
    expect(idsOf(await room.claim())).toEqual(['r1']);
    await room.send(limitTo(2));
    expect(idsOf(await room.claim())).toEqual(['r2']);
    await room.send(limitTo());
    expect(idsOf(await room.claim())).toEqual(['r3', 'r4']);
  });
});

it('passes the gates in their order and keeps what it has while it waits at a later one', async () => {
  const room = await roomOfWorker();
  await room.send(limitTo(1));
  await room.createAll('busy');
  await gated(room, { mutex: 'k', throttle: '1,60000,k' }, 'r1', 'r2');
  expect(idsOf(await room.claim())).toEqual(['busy']);
  expect([await room.field('r1', 'hg'), await room.field('r1', 'bl')]).toEqual(['mt', 'c']);
  expect(await blockedBy(room, 'r2')).toBe('mutex');
  await finish(room, 'busy');
  expect(idsOf(await room.claim())).toEqual(['r1']);
  await cancel(room, 'r1');
  await finish(room, 'r1');
  expect(await room.claim()).toEqual([]);
  expect(await blockedBy(room, 'r2')).toBe('throttle');
  await room.advance(60_000);
  expect(idsOf(await room.claim())).toEqual(['r2']);
  await finish(room, 'r2');
  for (const kind of ['mutex', 'slots', 'waiting']) expect(await room.redis.keys(room.key(`${kind}:*`))).toEqual([]);
});
