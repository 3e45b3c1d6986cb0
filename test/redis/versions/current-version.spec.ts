import { describe, expect, it } from '@jest/globals';
import { pauseQueue } from '../../../lib/engine/redis/queues/pause-queue.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import type { Op } from '../../../lib/engine/redis/script/op.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { declareOp } from '../../support/declaring.js';
import { type EngineRoom, idsOf, openEngineRoom, privateRedis } from '../../support/engine-room.js';

const serving = (version: string, workflows: readonly string[]) => ({
  deployment: `build ${version}`,
  workflows,
  serves: workflows.flatMap((workflow) => [workflow, `${workflow}\0${version}`]).sort(),
});
const named = (count: number) => Array.from({ length: count }, (_, i) => `workflow-${i}`);

/** A namespace on a server that does nothing else. */
async function privateRoom(): Promise<EngineRoom> {
  const { url } = await privateRedis();
  return openEngineRoom({ url });
}

async function makeCurrent(room: EngineRoom, version: string, workflows: readonly string[]): Promise<void> {
  await room.redis.hset(room.key('controls'), Object.fromEntries(workflows.map((name) => [`v${name}`, version])));
}

/** What the scripts of an operation ask of Redis: commands in capitals, and keys without the namespace. */
async function asked(room: EngineRoom, op: Op<unknown>): Promise<string[][]> {
  const found: string[][] = [];
  const monitor = await room.redis.monitor();
  const seenAll = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, [command, ...args]: string[], source: string) => {
      if (source === 'lua') found.push([command.toUpperCase(), ...args.map((arg) => arg.replace(`${room.keys.root}:`, ''))]);
      if (args[0] === room.key('done')) resolve();
    });
  });
  await room.send(op);
  await room.redis.publish(room.key('done'), '');
  await seenAll;
  monitor.disconnect();
  return found;
}

describe('the last worker of the current versions that leaves', () => {
  /** What is asked as it leaves, where two deployments with that many workflows are left. */
  async function askedByLeaving(workflows: readonly string[]): Promise<string[][]> {
    const room = await privateRoom();
    for (const version of ['1', '2', '3']) await room.register(version, ['default'], serving(version, workflows));
    await makeCurrent(room, '3', workflows);
    const commands = await asked(room, removeWorker('3'));
    expect(await room.redis.hmget(room.key('controls'), ...workflows.map((name) => `v${name}`))).toEqual(
      workflows.map(() => '2'),
    );
    return commands;
  }

  it('costs as many commands for each of its workflows, however many there are', async () => {
    const [some, more, most] = await Promise.all(
      [50, 100, 150].map(async (count) => (await askedByLeaving(named(count))).length),
    );
    expect(more).toBeGreaterThan(some);
    expect(most - more).toBe(more - some);
  });

  it('has what each set serves, and where, read once and not for every workflow', async () => {
    const commands = await askedByLeaving(named(50));
    // Its own, which is told what it leaves, and the two that are left.
    expect(commands.filter(([command, key]) => command === 'SMEMBERS' && key.startsWith('serves:'))).toHaveLength(3);
    expect(commands.filter(([command, key]) => command === 'HGET' && key === 'sets')).toHaveLength(3);
  });
});

describe('a version that becomes current', () => {
  /** Version 1 is current and served in queue `ours`, as is another workflow; there are 20 queues of another service. */
  async function besideOthers(): Promise<EngineRoom> {
    const room = await privateRoom();
    const others = Array.from({ length: 20 }, (_, i) => `theirs ${i}`);
    await room.register('other', others, { deployment: 'theirs', serves: ['other'] });
    await room.register('old', ['ours'], serving('1', ['v', 'w']));
    await room.register('new', ['ours'], serving('2', ['v', 'w']));
    await makeCurrent(room, '1', ['v', 'w']);
    return room;
  }
  const declareNew = declareOp('new', [{ workflow: 'w', maxConcurrency: 1, meta: { version: '2' } }]);

  it('looks at the queues of workers that serve the workflow, and at no other, however many there are', async () => {
    const room = await besideOthers();
    const commands = await asked(room, declareNew);
    expect(await room.redis.hget(room.key('controls'), 'vw')).toBe('2');
    const queues = commands.flat().filter((arg) => /^(queue|gated|lanes|serving):/.test(arg));
    expect(new Set(queues)).toEqual(new Set(['queue:ours', 'lanes:ours', 'gated:ours']));
  });

  it('looks at the gates of its runs that have not begun, and at those of no others in the queue', async () => {
    const room = await besideOthers();
    await room.redis.hset(room.key('controls'), { cv: 1, cw: 1 });
    const queues = ['ours'];
    for (const workflow of ['v', 'w']) {
      for (const [id, version] of [['a'], ['b'], ['pinned', '1']]) {
        await room.create({ id: `${workflow} ${id}`, workflow, queue: 'ours', version });
      }
    }
    expect(idsOf(await room.claim('old', { queues }))).toEqual(['v a', 'w a']);
    // The gates pass over what waits in a queue that is paused, and note it.
    await room.send(pauseQueue('ours'));
    for (const id of ['v a', 'w a']) await room.send(finishRun(id, room.fenceOf(id), 'succeeded', ''));
    const places = ['v\0', 'v\x001', 'w\0', 'w\x001'];
    expect((await room.redis.smembers(room.key('gated:ours'))).sort()).toEqual(places);
    const looked = (await asked(room, declareNew)).flat().filter((arg) => /^(passed|handed):/.test(arg));
    // MONITOR writes the byte out.
    expect(new Set(looked)).toEqual(new Set(['passed:4:oursw\\x00', 'handed:4:oursw\\x00']));
  });
});
