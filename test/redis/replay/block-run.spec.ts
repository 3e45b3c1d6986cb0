import { describe, expect, it } from '@jest/globals';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { blockRun } from '../../../lib/engine/redis/replay/block-run.js';
import { noteReplay } from '../../../lib/engine/redis/replay/note-replay.js';
import { offerBlocked } from '../../../lib/engine/redis/replay/offer-blocked.js';
import { resumeRun } from '../../../lib/engine/redis/replay/resume-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { type EngineRoom, idsOf, openEngineRoom } from '../../support/engine-room.js';
import { gateKeysUnder } from '../../support/gates.js';

const REASON = { because: 'replay', step: 'new', missing: ['old'] } as const;

const block = (room: EngineRoom) => blockRun('r1', room.fenceOf('r1'), REASON);
const reservedFor = (room: EngineRoom) => room.redis.hget(room.key('run:r1'), 'on');
const blockedRuns = (room: EngineRoom) => room.redis.zrange(room.key('blocked:greet'), '0', '-1');

/** Blocked by deployment `d1` of worker `w1`, with workers of these other deployments alive. */
async function blockedRoom(...others: string[]): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.running({ id: 'r1' });
  for (const other of others) await room.register(`worker of ${other}`, ['default'], { deployment: other });
  await room.send(block(room));
  return room;
}

describe('blockRun()', () => {
  it('sets the run aside: no attempt, no recovery, in no queue', async () => {
    const room = await blockedRoom();
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'queued', blockedBy: 'code', attempt: 1, recoveries: 0 });
    expect(await room.owned()).toEqual([]);
    expect(await room.claim()).toEqual([]);
  });

  it('repeated, answers DONE and changes nothing, offered or not; LOST under another fence', async () => {
    const room = await blockedRoom('d2');
    expect(await room.repeat(block(room))).toBe('DONE');
    expect(await room.send(blockRun('r1', room.fenceOf('r1', -1), REASON))).toBe('LOST');
  });

  it('ends a run that was canceled', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(cancelRun({ runId: 'r1', nonce: 'n', reason: '', compensate: true }));
    await room.send(block(room));
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'canceled' });
    expect(await blockedRuns(room)).toEqual([]);
  });
});

describe('a blocked run', () => {
  it('is for another living deployment alone, and blocked until that claims it', async () => {
    const room = await blockedRoom('d2');
    expect(await room.claim()).toEqual([]);
    expect(await room.send(readRun('r1'))).toMatchObject({ blockedBy: 'code', blocked: { missing: ['old'] } });
    expect(idsOf(await room.claim('worker of d2'))).toEqual(['r1']);
    const run = await room.send(readRun('r1'));
    expect(run).not.toHaveProperty('blockedBy');
    expect(run).not.toHaveProperty('blocked');
    expect(await blockedRuns(room)).toEqual([]);
  });

  it('rests once all have blocked it, and is for one that registers later', async () => {
    const room = await blockedRoom('d2');
    await room.claim('worker of d2');
    await room.send(block(room));
    expect(await reservedFor(room)).toBeNull();
    await room.send(offerBlocked());
    expect(await reservedFor(room)).toBeNull();
    await room.register('w3', ['default'], { deployment: 'd3' });
    expect(idsOf(await room.claim('w3'))).toEqual(['r1']);
  });

  it('is for the next where the deployment goes that it was offered to, and rests where there is none', async () => {
    const room = await blockedRoom('d2', 'd3');
    expect(await reservedFor(room)).toBe('d3');
    await room.send(removeWorker('worker of d3'));
    await room.send(offerBlocked());
    expect(await reservedFor(room)).toBe('d2');
    await room.send(removeWorker('worker of d2'));
    await room.send(offerBlocked());
    expect(await reservedFor(room)).toBeNull();
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'queued', blockedBy: 'code' });
    expect(await blockedRuns(room)).toEqual(['r1']);
    expect(await room.claim()).toEqual([]);
  });

  it('hands the slot on that it was handed where its deployment goes before it claims it', async () => {
    const room = await blockedRoom('d2');
    const slots = () => room.redis.smembers(room.key('slots:greet'));
    await room.redis.hset(room.key('controls'), 'cgreet', 1);
    await room.create({ id: 'r2' });
    expect(idsOf(await room.claim())).toEqual(['r2']);
    expect(await room.claim('worker of d2')).toEqual([]);
    await room.create({ id: 'r3' });
    expect(await room.claim()).toEqual([]);
    await room.send(finishRun('r2', room.fenceOf('r2'), 'succeeded', ''));
    expect(await slots()).toEqual(['r1']);
    await room.send(removeWorker('worker of d2'));
    expect(await slots()).toEqual(['r3']);
    await room.send(offerBlocked());
    expect(await blockedRuns(room)).toEqual(['r1']);
    expect(idsOf(await room.claim())).toEqual(['r3']);
    await room.register('w3', ['default'], { deployment: 'd3' });
    expect(await room.claim('w3')).toEqual([]);
    await room.send(finishRun('r3', room.fenceOf('r3'), 'succeeded', ''));
    expect(idsOf(await room.claim('w3'))).toEqual(['r1']);
    expect(await slots()).toEqual(['r1']);
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await gateKeysUnder(room.prefix)).toEqual([]);
  });

  it('gives a slot back that it was handed and did not claim, once it is resumed or canceled', async () => {
    for (const end of ['resume', 'cancel'] as const) {
      const room = await blockedRoom('d2');
      await room.redis.hset(room.key('controls'), 'cgreet', 1);
      await room.create({ id: 'r2' });
      await room.claim();
      await room.claim('worker of d2');
      await room.send(finishRun('r2', room.fenceOf('r2'), 'succeeded', ''));
      expect(await room.redis.smembers(room.key('slots:greet'))).toEqual(['r1']);
      if (end === 'cancel') await room.send(cancelRun({ runId: 'r1', nonce: 'n', reason: '', compensate: true }));
      else await room.send(resumeRun({ runId: 'r1', nonce: 'n', accept: false }));
      expect(await gateKeysUnder(room.prefix)).toEqual([]);
      expect(await blockedRuns(room)).toEqual([]);
    }
  });

  it('is not for one that does not serve it', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.register('w2', ['default'], { deployment: 'd2', serves: ['other'] });
    await room.register('w3', ['elsewhere'], { deployment: 'd3' });
    await room.send(block(room));
    expect(await reservedFor(room)).toBeNull();
  });

  it('is canceled, out of whatever it waits in', async () => {
    const room = await blockedRoom('d2');
    await room.send(cancelRun({ runId: 'r1', nonce: 'n', reason: '', compensate: true }));
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'canceled' });
    expect(await blockedRuns(room)).toEqual([]);
    expect(await room.claim('worker of d2')).toEqual([]);
  });
});

describe('a run that was offered and claimed', () => {
  /** Handed back by the deployment `d2`, beside which `d1` lives, that has blocked it. */
  async function keptRoom(delayMs: number, unfit: boolean): Promise<EngineRoom> {
    const room = await blockedRoom('d2');
    await room.claim('worker of d2');
    await room.send(releaseRun('r1', room.fenceOf('r1'), delayMs, unfit));
    await room.advance(delayMs);
    return room;
  }

  it('is kept for that deployment', async () => {
    for (const delayMs of [0, 1_000]) {
      const room = await keptRoom(delayMs, false);
      expect(await room.claim()).toEqual([]);
      const run = await room.send(readRun('r1'));
      expect(run).toMatchObject({ status: 'queued' });
      expect(run).not.toHaveProperty('blockedBy');
      expect(idsOf(await room.claim('worker of d2'))).toEqual(['r1']);
    }
  });

  it('is for all once that one serves its queue no more, though it comes again', async () => {
    const room = await keptRoom(0, false);
    expect(await room.claim()).toEqual([]);
    await room.register('w3', ['elsewhere'], { deployment: 'd2' });
    await room.send(removeWorker('worker of d2'));
    expect(idsOf(await room.claim())).toEqual(['r1']);
    await room.register('w4', ['default'], { deployment: 'd2' });
    await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
    expect(idsOf(await room.claim())).toEqual(['r1']);
  });

  it('is for all where only one set lives that did not have it', async () => {
    const room = await keptRoom(0, false);
    await room.send(removeWorker('worker of d2'));
    expect(idsOf(await room.claim())).toEqual(['r1']);
    expect(await reservedFor(room)).toBeNull();
  });

  it('is for all if its worker could not begin the handler', async () => {
    const room = await keptRoom(1_000, true);
    expect(idsOf(await room.claim())).toEqual(['r1']);
  });

  it('that its own deployment blocks is for the others once more, and then rests', async () => {
    const room = await keptRoom(0, false);
    await room.claim('worker of d2');
    await room.send(block(room));
    expect(await reservedFor(room)).toBe('d1');
    await room.claim();
    await room.send(block(room));
    expect(await reservedFor(room)).toBeNull();
  });
});

describe('resumeRun()', () => {
  const resume = (nonce = 'once') => resumeRun({ runId: 'r1', nonce, accept: false });

  it('lets anybody execute the run, though it was offered to one', async () => {
    const room = await blockedRoom('d2');
    expect(await room.send(resume())).toBe('YES');
    expect(await reservedFor(room)).toBeNull();
    expect(idsOf(await room.claim())).toEqual(['r1']);
    expect(await room.claim('worker of d2')).toEqual([]);
  });

  it('repeated, answers YES again and writes nothing; another call NO', async () => {
    const room = await blockedRoom();
    await room.send(resume());
    expect(await room.repeat(resume())).toBe('YES');
    expect(await room.send(resume('another'))).toBe('NO');
    expect(await room.send(resumeRun({ runId: 'nobody', nonce: 'n', accept: false }))).toBe('MISSING');
  });
});

describe('noteReplay()', () => {
  it('is for the owner alone, and a repeat writes the same', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const note = noteReplay('r1', room.fenceOf('r1'), 'ua', '["old"]');
    await room.send(note);
    expect(await room.repeat(note)).toBe('OK');
    expect(await room.send(noteReplay('r1', room.fenceOf('r1', -1), 'ua', '[]'))).toBe('LOST');
    expect(await room.redis.hget(room.key('data:r1'), 'ua')).toBe('["old"]');
  });
});
