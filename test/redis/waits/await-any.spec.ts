import { describe, expect, it } from '@jest/globals';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import { parseWinner } from '../../../lib/engine/redis/steps/stored-outcome.js';
import { awaitAny, type Branch } from '../../../lib/engine/redis/waits/await-any.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { emit, stepOf } from '../../support/event-room.js';

const timer = (name: string, delayMs: number): Branch => ({ name, timer: { delayMs } });
const event = (name: string, correlationKey: string): Branch => ({
  name,
  event: { event: 'tick', correlationKey, lookback: 'run' },
});
const child = (room: EngineRoom, name: string, id: string): Branch => ({ name, child: room.newRun({ id, workflow: 'kid' }) });

const anyOp = (room: EngineRoom, branches: Branch[], fence = room.fenceOf('r')) =>
  awaitAny({ runId: 'r', fence, step: 'any' }, branches);
const winnerOf = async (room: EngineRoom) => parseWinner((await stepOf(room, 'r', 'any'))?.payload as string);

async function running(): Promise<EngineRoom> {
  const room = openEngineRoom();
  await room.running({ id: 'r' });
  return room;
}

describe('awaitAny()', () => {
  it('registers all branches and starts each child once, also when it is sent twice', async () => {
    const room = await running();
    const op = anyOp(room, [
      timer('late', 9_000_000),
      timer('early', 5_000_000),
      event('paid', 'k'),
      child(room, 'kid', 'c1'),
      child(room, 'kid 2', 'c2'),
    ]);
    const answer = await room.send(op);
    expect(await room.repeat(op)).toMatchObject({ ...answer, now: expect.any(Number) });
    expect(answer).toMatchObject({ status: 'OK', isOver: false, wakeAt: answer.now + 5_000_000, timer: 'early' });
    expect(await room.queued()).toEqual(['c1', 'c2']);
    expect(await room.send(readRun('c2'))).toMatchObject({ trigger: 'child', parentRunId: 'r', parentStep: 'any' });
    await room.send(parkRun('r', room.fenceOf('r'), undefined, ['any']));
    expect(await room.due()).toEqual(['r']);
  });

  it('writes once where it listens, whatever the number of branches', async () => {
    const room = await running();
    const branches = Array.from({ length: 3_000 }, (_, index) => event(`b${index}`, `k${index}`));
    const written: string[] = [];
    const monitor = await room.redis.monitor();
    const seenAll = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, [command, key]: string[]) => {
        if (command.toUpperCase() === 'HSET' && key === room.key('listening:r')) written.push(key);
        if (key === room.key('done')) resolve();
      });
    });
    await room.send(anyOp(room, branches));
    await room.redis.publish(room.key('done'), '');
    await seenAll;
    monitor.disconnect();
    expect(written).toHaveLength(1);
    await emit(room, { name: 'tick', correlationKey: 'k2999' });
    expect(await winnerOf(room)).toMatchObject({ branch: 'b2999' });
    expect(await room.redis.keys(room.key('listeners:*'))).toEqual([]);
  });

  it('listens no more once a later branch has ended it', async () => {
    const room = await running();
    await emit(room, { name: 'tick', correlationKey: 'late' });
    expect(await room.send(anyOp(room, [event('a', 'early'), event('b', 'late')]))).toMatchObject({ isOver: true });
    expect(await room.redis.keys(room.key('listen*'))).toEqual([]);
  });

  it('refuses the fence of an earlier owner and creates nothing', async () => {
    const room = await running();
    expect(await room.send(anyOp(room, [child(room, 'kid', 'c1')], room.fenceOf('r', -1)))).toMatchObject({ status: 'LOST' });
    expect(await room.send(readRun('c1'))).toBeNull();
  });

  it('writes nothing when a child id belongs to another workflow', async () => {
    const room = await running();
    await room.create({ id: 'taken', workflow: 'other' });
    const op = anyOp(room, [child(room, 'a', 'fresh'), child(room, 'b', 'taken')]);
    expect(await room.send(op)).toMatchObject({ status: 'CONFLICT', childRunId: 'taken' });
    expect(await room.send(readRun('fresh'))).toBeNull();
    expect(await stepOf(room, 'r', 'any')).toBeUndefined();
  });

  it('is won by the first to come, and stays so', async () => {
    const room = await running();
    await room.send(anyOp(room, [event('left', 'l'), event('right', 'r'), child(room, 'kid', 'c1')]));
    await room.send(parkRun('r', room.fenceOf('r'), undefined, ['any']));
    await room.claim();
    await emit(room, { name: 'tick', correlationKey: 'r' });
    expect(await winnerOf(room)).toMatchObject({ branch: 'right', by: 'event' });
    await emit(room, { id: 'e2', name: 'tick', correlationKey: 'l' });
    await room.send(finishRun('c1', room.fenceOf('c1'), 'succeeded', '7'));
    expect(await winnerOf(room)).toMatchObject({ branch: 'right', by: 'event' });
    expect(await room.redis.keys(room.key('listen*'))).toEqual([]);
  });

  it('leaves no listener where two branches wait for the same', async () => {
    const room = await running();
    await room.send(anyOp(room, [event('one', 'k'), event('two', 'k')]));
    await emit(room, { name: 'tick', correlationKey: 'k' });
    expect(await winnerOf(room)).toMatchObject({ branch: 'one' });
    expect(await room.redis.keys(room.key('listen*'))).toEqual([]);
  });

  it.each([
    ['succeeded', 'd', '7'],
    ['failed', 'k', '{"name":"Error","message":"x"}'],
  ] as const)('is won by a child that has %s, with its id', async (outcome, status, payload) => {
    const room = await running();
    await room.send(anyOp(room, [event('left', 'l'), child(room, 'kid', 'c1')]));
    await room.claim();
    await room.send(finishRun('c1', room.fenceOf('c1'), outcome, payload));
    expect(await stepOf(room, 'r', 'any')).toMatchObject({ status, order: 0 });
    expect(await winnerOf(room)).toEqual({ branch: 'kid', by: 'child', childRunId: 'c1', payload });
  });

  it('is over at once with an event that came before, and has started its child all the same', async () => {
    const room = await running();
    await emit(room, { name: 'tick', correlationKey: 'k' });
    const op = anyOp(room, [timer('now', 0), event('paid', 'k'), child(room, 'kid', 'c1')]);
    expect(await room.send(op)).toMatchObject({ isOver: true });
    expect(await room.repeat(op)).toMatchObject({ isOver: true });
    expect(await winnerOf(room)).toMatchObject({ branch: 'paid', by: 'event' });
    expect(await room.queued()).toEqual(['c1']);
  });
});
