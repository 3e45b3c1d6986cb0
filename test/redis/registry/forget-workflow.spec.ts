import { describe, expect, it } from '@jest/globals';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { forgetUnserved } from '../../../lib/engine/redis/registry/forget-unserved.js';
import { forgetWorkflow } from '../../../lib/engine/redis/registry/forget-workflow.js';
import { pauseSchedule } from '../../../lib/engine/redis/schedules/pause-schedule.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { type Code, FORGET_AFTER_MS, start } from '../../support/declaring.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const CODE: Code = { events: ['order.*', 'paid'], schedules: [{ id: 'nightly' }], maxConcurrency: 2, meta: { version: '3' } };

/** A workflow with a run that was served, and a schedule of it that was paused and removed. */
async function unserved(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await start(room, 'w0', 'd0', { ...CODE, schedules: [{ id: 'nightly' }, { id: 'removed' }] });
  await room.send(pauseSchedule('removed'));
  await start(room, 'w1', 'd1', CODE);
  await room.send(pauseSchedule('nightly'));
  for (const worker of ['w0', 'w1']) await room.send(removeWorker(worker));
  await room.create({ id: 'r1' });
  return room;
}

async function expectForgotten(room: EngineRoom): Promise<void> {
  const left = Object.keys(await room.contents()).filter((key) => !/^(list|run|data|places|search|queue|counters)/.test(key));
  expect(left).toEqual([]);
  expect(await room.queued()).toEqual(['r1']);
}

describe('forgetWorkflow()', () => {
  it('removes all of a workflow but its runs', async () => {
    const room = await unserved();
    expect(await room.send(forgetWorkflow('greet'))).toBe('OK');
    await expectForgotten(room);
    expect(await room.repeat(forgetWorkflow('greet'))).toBe('UNKNOWN');
  });

  it('takes a bounded number of entries per call', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', { events: Array.from({ length: 450 }, (_, index) => `e${index}`) });
    await room.send(removeWorker('w1'));
    const answers = [];
    do answers.push(await room.send(forgetWorkflow('greet')));
    while (answers.at(-1) === 'AGAIN');
    expect(answers).toEqual(['AGAIN', 'AGAIN', 'OK']);
    expect(Object.keys(await room.contents())).toEqual(['counters']);
  });

  it('touches nothing of a workflow that somebody serves', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', CODE);
    expect(await room.repeat(forgetWorkflow('greet'))).toBe('SERVED');
  });

  it('does it while dead workers are yet to be reaped', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', CODE);
    await room.expireLease('w1');
    expect(await room.send(forgetWorkflow('greet'))).toBe('OK');
  });
});

describe('forgetUnserved()', () => {
  it('forgets what nobody has served for the time that it is to be kept, not earlier', async () => {
    const room = await unserved();
    await room.advance(FORGET_AFTER_MS - 60_000);
    expect(await room.repeat(forgetUnserved('0'))).toEqual({ cursor: '0', more: false });
    await room.advance(60_000);
    expect(await room.send(forgetUnserved('0'))).toEqual({ workflow: 'greet', cursor: '0', more: true });
    await expectForgotten(room);
    expect(await room.repeat(forgetUnserved('0'))).toEqual({ cursor: '0', more: false });
  });

  it('spares what is served again', async () => {
    const room = await unserved();
    await start(room, 'w2', 'd1', CODE);
    await room.advance(10 * FORGET_AFTER_MS);
    expect((await room.send(forgetUnserved('0'))).workflow).toBeUndefined();
    expect(await room.redis.hexists(room.keys.workflows, 'greet')).toBe(1);
  });

  it('forgets the pauses of schedules that are gone, though their workflow is served', async () => {
    const room = await unserved();
    await start(room, 'w2', 'd1', CODE);
    await room.advance(FORGET_AFTER_MS);
    await room.send(forgetUnserved('0'));
    expect(await room.redis.exists(room.key('pauses'))).toBe(0);
    expect(await room.redis.smembers(room.key('registered:greet'))).not.toContain('premoved');
  });
});

describe('readStats()', () => {
  it('names workflows that no living worker serves, before their workers are reaped too, with their runs', async () => {
    const room = openEngineRoom();
    const unservedNow = async () => (await room.send(readStats())).unserved;
    await start(room, 'w1', 'd1', { workflow: 'a' }, { workflow: 'both' });
    await start(room, 'w2', 'd2', { workflow: 'b', meta: { queue: 'mail' } }, { workflow: 'both' });
    expect(await unservedNow()).toEqual([]);
    await room.create({ id: 'r1', workflow: 'a' });
    await room.expireLease('w1');
    expect(await unservedNow()).toEqual([{ workflow: 'a', queue: 'default', runs: 1 }]);
    await room.send(removeWorker('w2'));
    expect((await unservedNow()).map(({ workflow }) => workflow).sort()).toEqual(['a', 'b', 'both']);
  });
});
