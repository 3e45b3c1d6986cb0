import { describe, expect, it } from '@jest/globals';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import { promoteDue } from '../../../lib/engine/redis/runs/promote-due.js';
import { commitStep, type StepCommitted } from '../../../lib/engine/redis/steps/commit-step.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, idsOf, openEngineRoom } from '../../support/engine-room.js';

function sleep(room: EngineRoom, name: string, wait: { delayMs: number } | { at: number }, runId = 'r1'): Promise<StepCommitted> {
  const fixed = { kind: 's', status: 'w', order: 0, attempt: 0, base: 0, elapsedMs: 0, payload: '' } as const;
  return room.send(commitStep({ ...fixed, runId, fence: room.fenceOf(runId), name, wait }));
}

describe('parkRun()', () => {
  it('frees the run of its worker until its wait is due', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const { moment } = await sleep(room, 'nap', { delayMs: 60_000 });
    expect(await room.send(parkRun('r1', room.fenceOf('r1'), undefined, ['nap']))).toMatchObject({ status: 'PARKED' });
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'waiting', availableAt: moment, attempt: 1 });
    expect(await room.owned()).toEqual([]);
    expect(await room.due()).toEqual(['r1']);
    expect(await room.passes('r1')).toBe('p');
    expect(await room.claim()).toEqual([]);
    await room.advance(60_000);
    expect(await room.claimAnew()).toMatchObject({ run: { id: 'r1', recoveries: 0 } });
  });

  it('waits for the first of several waits', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await sleep(room, 'long', { delayMs: 90_000 });
    const { moment } = await sleep(room, 'short', { delayMs: 30_000 });
    await sleep(room, 'longer', { delayMs: 95_000 });
    await room.send(parkRun('r1', room.fenceOf('r1'), undefined, ['long', 'short', 'longer']));
    expect((await room.send(readRun('r1')))?.availableAt).toBe(moment);
  });

  it('waits no longer than the deadline of the run', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const deadline = (await room.now()) + 5_000;
    await sleep(room, 'nap', { delayMs: 60_000 });
    await room.send(parkRun('r1', room.fenceOf('r1'), deadline, ['nap']));
    expect((await room.send(readRun('r1')))?.availableAt).toBe(deadline);
  });

  it('waits for the wait when the deadline is later', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const { moment } = await sleep(room, 'nap', { delayMs: 60_000 });
    await room.send(parkRun('r1', room.fenceOf('r1'), Number(moment) + 1, ['nap']));
    expect((await room.send(readRun('r1')))?.availableAt).toBe(moment);
  });

  it.each([
    ['30 days', { delayMs: 30 * 86_400_000 }],
    ['until the last instant a Date can name', { at: 8_640_000_000_000_000 }],
  ])('can wait %s', async (_, wait) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const { moment } = await sleep(room, 'nap', wait);
    expect(await room.send(parkRun('r1', room.fenceOf('r1'), undefined, ['nap']))).toMatchObject({ status: 'PARKED' });
    expect((await room.send(readRun('r1')))?.availableAt).toBe(moment);
  });

  it('answers READY and keeps the run running when a wait is already due', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await sleep(room, 'long', { delayMs: 900_000 });
    await sleep(room, 'short', { delayMs: 1_000 });
    await room.advance(1_000);
    expect(await room.repeat(parkRun('r1', room.fenceOf('r1'), undefined, ['long', 'short']))).toMatchObject({ status: 'READY' });
    expect(await room.owned()).toEqual(['r1']);
    expect(await room.passes('r1')).toBe('');
  });

  it.each([0, -1_000])('answers READY for a wait until %d', async (at) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await sleep(room, 'nap', { at });
    expect(await room.send(parkRun('r1', room.fenceOf('r1'), undefined, ['nap']))).toMatchObject({ status: 'READY' });
  });

  it('repeated, answers PARKED again and changes nothing', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await sleep(room, 'nap', { delayMs: 60_000 });
    const op = parkRun('r1', room.fenceOf('r1'), undefined, ['nap']);
    await room.send(op);
    expect(await room.repeat(op)).toMatchObject({ status: 'PARKED' });
  });

  it('repeated with the commit of its wait in one call, changes nothing', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const both = () =>
      Promise.all([sleep(room, 'nap', { delayMs: 60_000 }), room.send(parkRun('r1', room.fenceOf('r1'), undefined, ['nap']))]);
    expect((await both())[1]).toMatchObject({ status: 'PARKED' });
    const before = await room.contents();
    await room.advance(5_000);
    expect(await both()).toMatchObject([{ status: 'DONE' }, { status: 'PARKED' }]);
    expect(await room.contents()).toEqual(before);
  });

  it('repeated when the run was promoted meanwhile, leaves it in its queue', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await sleep(room, 'nap', { delayMs: 1_000 });
    const op = parkRun('r1', room.fenceOf('r1'), undefined, ['nap']);
    await room.send(op);
    await room.advance(1_000);
    await room.send(promoteDue(10));
    expect(await room.repeat(op)).toMatchObject({ status: 'PARKED' });
    expect(await room.queued()).toEqual(['r1']);
  });

  it('resumes many in the order of their due times', async () => {
    const room = openEngineRoom();
    await room.createAll('a', 'b', 'c');
    await room.register();
    await room.claim();
    for (const [id, delayMs] of [
      ['a', 3_000],
      ['b', 1_000],
      ['c', 2_000],
    ] as const) {
      await sleep(room, 'nap', { delayMs }, id);
      await room.send(parkRun(id, room.fenceOf(id), undefined, ['nap']));
    }
    await room.advance(3_000);
    expect(idsOf(await room.claim())).toEqual(['b', 'c', 'a']);
  });

  it('wakes an idle worker that would look too late otherwise', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.register('idle');
    await room.claim('idle');
    await room.redis.srem(await room.idleKey(), 'w1');
    await sleep(room, 'nap', { delayMs: 60_000 });
    await room.send(parkRun('r1', room.fenceOf('r1'), undefined, ['nap']));
    expect(await room.wakeUps('idle')).toBe(1);
  });

  it.each([
    ['an older fence', 'r1', -1],
    ['an unknown run', 'nobody', 0],
  ])('refuses %s with LOST', async (_, runId, offset) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await sleep(room, 'nap', { delayMs: 60_000 });
    expect(await room.repeat(parkRun(runId, room.fenceOf('r1', offset), undefined, ['nap']))).toMatchObject({ status: 'LOST' });
  });

  it('refuses the old owner with LOST after a reap', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await sleep(room, 'nap', { delayMs: 60_000 });
    await room.expireLease('w1');
    await room.send(reapWorkers(10));
    expect(await room.repeat(parkRun('r1', room.fenceOf('r1'), undefined, ['nap']))).toMatchObject({ status: 'LOST' });
    expect(await room.queued()).toEqual(['r1']);
  });

  it.each([
    ['is not stored', 'nobody'],
    ['has completed', 'done'],
  ])('answers an error when a step that should wait %s, and leaves the run with its worker', async (_, name) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.redis.hset(room.keys.data('r1'), 's:done', 's,s,1,1,0,1,1;');
    await sleep(room, 'nap', { delayMs: 60_000 });
    const before = await room.contents();
    await expect(room.send(parkRun('r1', room.fenceOf('r1'), undefined, ['nap', name]))).rejects.toThrow(
      `step ${name} is not waiting`,
    );
    expect(await room.contents()).toEqual(before);
  });
});
