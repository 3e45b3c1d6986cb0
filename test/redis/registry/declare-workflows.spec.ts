import { describe, expect, it } from '@jest/globals';
import { settleDeclarations } from '../../../lib/engine/redis/registry/settle-declarations.js';
import { listSchedules } from '../../../lib/engine/redis/schedules/list-schedules.js';
import { pauseSchedule } from '../../../lib/engine/redis/schedules/pause-schedule.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { removeWorker } from '../../../lib/engine/redis/workers/remove-worker.js';
import { retireWorker } from '../../../lib/engine/redis/workers/retire-worker.js';
import { type Code, declareOp, FORGET_AFTER_MS, join, start } from '../../support/declaring.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

const nightly = { id: 'nightly', nextAt: 9_000_000_000_000 };

const members = async (room: EngineRoom, key: string) => (await room.redis.smembers(room.key(key))).sort();
const scheduleOf = (room: EngineRoom, id = 'nightly') => room.redis.hgetall(room.key(`schedule:${id}`));
const limitOf = (room: EngineRoom, workflow = 'greet') => room.redis.hget(room.key('controls'), `c${workflow}`);
const metaOf = async (room: EngineRoom, workflow = 'greet') =>
  JSON.parse((await room.redis.hget(room.keys.workflows, workflow)) ?? 'null');

/** Lets the deployments of these workers go, and decides. */
async function die(room: EngineRoom, ...workers: string[]): Promise<void> {
  for (const worker of workers) await room.expireLease(worker);
  while ((await room.send(reapWorkers(100))).more);
  while (await room.send(settleDeclarations(1)));
}

describe('declareWorkflows()', () => {
  it('makes workflows known, with the time of the Redis clock', async () => {
    const room = openEngineRoom();
    await room.advance(1_000_000);
    const before = await room.now();
    await start(room, 'w1', 'd1', { meta: { version: '2', tags: { 'ü/"': '日本' } } }, { workflow: '{}:*' });
    const { updatedAt, ...meta } = await metaOf(room);
    expect(meta).toMatchObject({ name: 'greet', version: '2', tags: { 'ü/"': '日本' }, events: [], cron: [] });
    expect(updatedAt).toBeGreaterThanOrEqual(before);
    expect(await metaOf(room, '{}:*')).toMatchObject({ name: '{}:*' });
  });

  it('repeated, writes nothing', async () => {
    const room = openEngineRoom();
    const code: Code = { events: ['order.*', 'paid'], schedules: [nightly], maxConcurrency: 2 };
    await start(room, 'w1', 'd1', code);
    expect(await room.repeat(declareOp('w1', [code]))).toMatchObject({ schedules: [{ id: 'nightly', nextAt: nightly.nextAt }] });
    expect(await room.repeat(declareOp('w1', [code], true))).toMatchObject({ schedules: [nightly] });
  });

  it('subscribes workflows to events by name and by pattern, and sets their limit', async () => {
    const room = openEngineRoom();
    await start(
      room,
      'w1',
      'd1',
      { workflow: 'mäil', events: ['order.paid'], maxConcurrency: 3 },
      { workflow: 'log', events: ['*.paid', 'a.**'] },
    );
    expect(await members(room, 'subscribers:order.paid')).toEqual(['mäil']);
    expect(await members(room, 'subscribers:*.paid')).toEqual(['log']);
    expect(await members(room, 'wildcards')).toEqual(['*.paid', 'a.**']);
    expect((await room.redis.hkeys(room.keys.triggers)).sort()).toEqual(['3:log*.paid', '3:loga.**', '5:mäilorder.paid']);
    expect(await limitOf(room, 'mäil')).toBe('3');
  });

  it.each([{ expression: '0 4 * * *' }, { timezone: 'Europe/Berlin' }])(
    'gives a schedule with other times, %p, the next instant that comes with it; else it keeps its own, and its pause',
    async (change) => {
      const room = openEngineRoom();
      await start(room, 'w1', 'd1', { schedules: [{ ...nightly, nextAt: 5 }] });
      await room.send(pauseSchedule('nightly'));
      const same = await start(room, 'w1', 'd1', { schedules: [{ ...nightly, misfire: 'skip', input: '1', nextAt: 7 }] });
      expect(same.schedules).toEqual([{ id: 'nightly', nextAt: 5 }]);
      expect(await scheduleOf(room)).toMatchObject({ nx: '5', pa: '1', mi: 'skip', ip: '1' });
      const changed = await start(room, 'w1', 'd1', { schedules: [{ ...nightly, ...change, nextAt: 9 }] });
      expect(changed.schedules).toEqual([{ id: 'nightly', nextAt: 9 }]);
      expect(await scheduleOf(room)).toMatchObject({ nx: '9', pa: '1' });
    },
  );

  it('writes nothing for a worker that stops', async () => {
    const room = openEngineRoom();
    await join(room, 'w1', 'd1', [{}]);
    await room.send(retireWorker('w1', []));
    const before = await room.contents();
    expect(await room.send(declareOp('w1', [{}]))).toMatchObject({ status: 'LOST', schedules: [] });
    expect(await room.contents()).toEqual(before);
  });
});

describe('of two deployments that live', () => {
  const old: Code = { events: ['a', 'b'], schedules: [nightly, { id: 'old' }], maxConcurrency: 1 };
  const young: Code = { events: ['b', 'c'], schedules: [nightly] };

  async function rolling(): Promise<EngineRoom> {
    const room = openEngineRoom();
    await start(room, 'w1', 'old', old);
    await start(room, 'w2', 'young', young);
    return room;
  }

  async function expectCode(room: EngineRoom, { events = [], schedules = [], maxConcurrency }: Code): Promise<void> {
    const subscribed = (await room.redis.hkeys(room.keys.triggers)).map((field) => field.slice('5:greet'.length)).sort();
    expect(subscribed).toEqual(events);
    expect(await room.redis.zrange(room.key('schedules'), '0', '-1')).toEqual(schedules.map(({ id }) => id));
    expect(await limitOf(room)).toBe(maxConcurrency === undefined ? null : String(maxConcurrency));
    for (const event of ['a', 'b', 'c'])
      expect(await members(room, `subscribers:${event}`)).toEqual(events.includes(event) ? ['greet'] : []);
  }

  it('the younger decides: what it does not declare is removed at once', async () => {
    const room = await rolling();
    await expectCode(room, young);
    await die(room, 'w1');
    await expectCode(room, young);
    expect(await room.redis.hkeys(room.key('declared:greet'))).toEqual(['young']);
  });

  it('the older one does not undo that when it restores', async () => {
    const room = await rolling();
    expect((await room.repeat(declareOp('w1', [old], true))).schedules).toEqual([
      { id: 'nightly', nextAt: nightly.nextAt },
      { id: 'old' },
    ]);
  });

  it('nor when one more worker of it starts', async () => {
    const room = await rolling();
    await start(room, 'w3', 'old', old);
    await expectCode(room, young);
  });

  it('the older one decides again when the younger is gone, and is asked for the instants of its schedules', async () => {
    const room = await rolling();
    await die(room, 'w2');
    await expectCode(room, old);
    expect(await room.wakeUps('w1')).toBe(1);
    expect(await scheduleOf(room, 'old')).not.toHaveProperty('nx');
    expect((await room.send(listSchedules('', 9))).at(-1)).not.toHaveProperty('nextAt');
    const restored = declareOp('w1', [{ ...old, schedules: [nightly, { id: 'old', nextAt: 77 }] }], true);
    expect((await room.send(restored)).schedules).toEqual([nightly, { id: 'old', nextAt: 77 }]);
    expect(await room.redis.hkeys(room.key('declared:greet'))).toEqual(['old']);
  });

  it('the younger decides still when both die at once, whichever is reaped first', async () => {
    const room = await rolling();
    await die(room, 'w1', 'w2');
    await expectCode(room, young);
    expect(await room.redis.zrange(room.key('unserved'), '0', '-1')).toEqual(['greet']);
  });

  it('a roll-back is younger', async () => {
    const room = await rolling();
    await room.send(removeWorker('w1'));
    await start(room, 'w3', 'old', old);
    await expectCode(room, old);
  });

  it('a thousand, one after the other, leave what one does', async () => {
    const room = openEngineRoom();
    for (let n = 0; n < 1_000; n++) {
      await start(room, `w${n}`, `d${n}`, { ...old, events: [`e${n}`] });
      if (n > 0) await room.send(removeWorker(`w${n - 1}`));
    }
    while (await room.send(settleDeclarations(1)));
    expect(await room.redis.hkeys(room.key('declared:greet'))).toEqual(['d999']);
    const alone = openEngineRoom();
    await start(alone, 'w999', 'd999', { ...old, events: ['e999'] });
    const shapeOf = async (one: EngineRoom) => Object.keys(await one.contents()).filter((key) => !key.startsWith('wake'));
    expect(await shapeOf(room)).toEqual(await shapeOf(alone));
  });
});

describe('a workflow that nobody serves', () => {
  it('stays as it is, also when it is restored', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', { events: ['a'], schedules: [nightly], maxConcurrency: 1 });
    await room.send(pauseSchedule('nightly'));
    const before = await scheduleOf(room);
    await die(room, 'w1');
    await start(room, 'w2', 'd2', { workflow: 'other' });
    expect(await members(room, 'subscribers:a')).toEqual(['greet']);
    expect(await scheduleOf(room)).toEqual(before);
    expect(await limitOf(room)).toBe('1');
  });
});

describe('the pause of a schedule that is no longer declared', () => {
  async function paused(): Promise<EngineRoom> {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', { schedules: [nightly] });
    await room.send(pauseSchedule('nightly'));
    await start(room, 'w2', 'd2', {});
    expect(await scheduleOf(room)).toEqual({});
    return room;
  }

  it('is there when the schedule comes back', async () => {
    const room = await paused();
    await start(room, 'w3', 'd3', { schedules: [nightly] });
    expect(await scheduleOf(room)).toMatchObject({ pa: '1' });
    expect(await room.redis.exists(room.key('pauses'))).toBe(0);
  });

  it('is there when another workflow takes the id', async () => {
    const room = await paused();
    await start(room, 'w3', 'd3', { workflow: 'other', schedules: [nightly] });
    expect(await scheduleOf(room)).toMatchObject({ wf: 'other', pa: '1' });
    expect(await members(room, 'registered:greet')).toEqual([]);
  });

  it('is forgotten after the time', async () => {
    const room = await paused();
    await room.advance(FORGET_AFTER_MS);
    await start(room, 'w3', 'd3', { schedules: [nightly] });
    expect(await scheduleOf(room)).not.toHaveProperty('pa');
  });
});

describe('a schedule id that two workflows declare', () => {
  const first: Code = { workflow: 'first', schedules: [nightly] };
  const second: Code = { workflow: 'second', schedules: [nightly] };

  it('is of the younger deployment, which is told, as is the other', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', first);
    expect((await start(room, 'w2', 'd2', second)).schedules).toEqual([{ ...nightly, otherWorkflow: 'first' }]);
    const op = declareOp('w1', [first], true);
    expect((await room.repeat(op)).schedules).toEqual([{ id: 'nightly', otherWorkflow: 'second' }]);
    expect(await scheduleOf(room)).toMatchObject({ wf: 'second' });
  });

  it('goes with a workflow that is renamed, and its pause, and comes back with a roll-back', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', first);
    await room.send(pauseSchedule('nightly'));
    await start(room, 'w2', 'd2', second);
    await die(room, 'w1');
    await room.send(declareOp('w2', [second], true));
    expect(await scheduleOf(room)).toMatchObject({ wf: 'second', pa: '1' });
    await start(room, 'w3', 'd1', first);
    expect(await scheduleOf(room)).toMatchObject({ wf: 'first', pa: '1' });
  });

  it('is of the workflow that is served, if only one is', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', first);
    await start(room, 'w2', 'd2', second);
    await die(room, 'w2');
    expect((await room.send(declareOp('w1', [first], true))).schedules).toMatchObject([nightly]);
    expect(await scheduleOf(room)).toMatchObject({ wf: 'first' });
  });
});

describe('what Redis lost', () => {
  it('is restored', async () => {
    const room = openEngineRoom();
    const code: Code = { events: ['order.*'], schedules: [nightly], maxConcurrency: 2 };
    await start(room, 'w1', 'd1', code);
    const before = await room.contents();
    const lost = Object.keys(before).filter((key) => !/^(worker|team|members|deployment|counters|set|serv)/.test(key));
    expect(lost).toHaveLength(10);
    await room.redis.del(lost.map((key) => room.key(key)));
    await join(room, 'w1', 'd1', [code]);
    expect((await room.send(declareOp('w1', [code], true))).schedules).toEqual([nightly]);
    const restored = await room.contents();
    for (const key of ['triggers', 'subscribers:order.*', 'wildcards', 'schedule:nightly', 'schedules', 'controls', 'held'])
      expect([key, restored[key]]).toEqual([key, before[key]]);
  });

  it('is restored as the younger deployment has it', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', 'd1', { events: ['a'] });
    await start(room, 'w2', 'd2', { events: ['b'] });
    await room.redis.del(room.keys.workflows, room.keys.triggers, room.key('subscribers:b'), room.key('registered:greet'));
    await room.send(declareOp('w1', [{ events: ['a'] }], true));
    expect(await room.redis.hkeys(room.keys.triggers)).toEqual(['5:greetb']);
    expect(await members(room, 'subscribers:b')).toEqual(['greet']);
  });
});
