import { describe, expect, it } from '@jest/globals';
import {
  type DeclaredSchedule,
  registerWorkflows,
  scheduleEntry,
  subscriptionEntry,
  workflowEntry,
} from '../../lib/engine/redis/register-workflows.js';
import { type EngineRoom, openEngineRoom } from '../support/engine-room.js';

const meta = (overrides: object = {}) => ({
  name: 'greet',
  app: 'shop',
  queue: 'default',
  maxAttempts: 3,
  priority: 0,
  tags: {},
  retries: { maxAttempts: 3, delay: 0 },
  cron: [],
  events: [],
  ...overrides,
});

const nightly: DeclaredSchedule = {
  id: 'nightly',
  workflow: 'greet',
  expression: '0 3 * * *',
  timezone: 'Europe/Berlin',
  misfire: 'once',
  input: '{"a":"\\u0000ü"}',
};

const metas = (...overrides: object[]) => overrides.map((one) => workflowEntry(meta(one)));

async function known(room: EngineRoom): Promise<Record<string, unknown>> {
  const stored = await room.redis.hgetall(room.keys.workflows);
  return Object.fromEntries(Object.entries(stored).map(([name, json]) => [name, JSON.parse(json)]));
}

const members = async (room: EngineRoom, key: string) => (await room.redis.smembers(room.key(key))).sort();
const scheduleOf = (room: EngineRoom, id = 'nightly') => room.redis.hgetall(room.key(`schedule:${id}`));

describe('registerWorkflows()', () => {
  it('makes workflows known, with the time of the Redis clock', async () => {
    const room = openEngineRoom();
    await room.advance(1_000_000);
    const before = await room.now();
    const greet = meta({ version: '2', tags: { 'ü/"': '日本' } });
    await room.send(registerWorkflows('shop', [workflowEntry(greet), ...metas({ name: '{}:*' })], false));
    const workflows = await known(room);
    expect(workflows).toEqual({
      greet: { ...greet, updatedAt: expect.any(Number) },
      '{}:*': { ...meta({ name: '{}:*' }), updatedAt: expect.any(Number) },
    });
    const { updatedAt } = workflows.greet as { updatedAt: number };
    expect(updatedAt).toBeGreaterThanOrEqual(before);
    expect(updatedAt).toBeLessThanOrEqual(await room.now());
    expect(await members(room, 'app:shop')).toEqual(['wgreet', 'w{}:*']);
  });

  it('replaces what was known by that name, and keeps others', async () => {
    const room = openEngineRoom();
    await room.send(registerWorkflows('shop', metas({ version: '1' }, { name: 'charge' }), false));
    await room.send(registerWorkflows('shop', metas({ queue: 'slow' }), false));
    expect(await known(room)).toMatchObject({ greet: { queue: 'slow' }, charge: { name: 'charge' } });
    expect((await known(room)).greet).not.toHaveProperty('version');
  });

  it('repeated, writes nothing', async () => {
    const room = openEngineRoom();
    const entries = [...metas({}), subscriptionEntry('greet', 'order.*'), scheduleEntry(nightly, 5)];
    const op = registerWorkflows('shop', entries, false);
    await room.send(op);
    expect(await room.repeat(op)).toMatchObject({ schedules: [{ id: 'nightly', nextAt: 5 }] });
  });

  it('does nothing when there are none', async () => {
    const room = openEngineRoom();
    expect(await room.send(registerWorkflows('shop', [], false))).toMatchObject({ schedules: [] });
    expect(await room.contents()).toEqual({});
  });

  it('subscribes workflows to events by name and by pattern', async () => {
    const room = openEngineRoom();
    const entries = [
      subscriptionEntry('mäil', 'order.paid'),
      subscriptionEntry('log', '*.paid'),
      subscriptionEntry('log', 'a.**'),
    ];
    await room.send(registerWorkflows('shop', entries, false));
    expect(await members(room, 'subscribers:order.paid')).toEqual(['mäil']);
    expect(await members(room, 'subscribers:*.paid')).toEqual(['log']);
    expect(await members(room, 'wildcards')).toEqual(['*.paid', 'a.**']);
    expect(await room.redis.hgetall(room.keys.triggers)).toEqual({
      '5:mäilorder.paid': 'shop',
      '3:log*.paid': 'shop',
      '3:loga.**': 'shop',
    });
  });
});

describe('a schedule', () => {
  it('is stored with its next instant', async () => {
    const room = openEngineRoom();
    const { schedules } = await room.send(registerWorkflows('shop', [scheduleEntry(nightly, 1_800_000_000_123)], false));
    expect(schedules).toEqual([{ id: 'nightly', nextAt: 1_800_000_000_123 }]);
    expect(await scheduleOf(room)).toEqual({
      wf: 'greet',
      ex: '0 3 * * *',
      tz: 'Europe/Berlin',
      mi: 'once',
      ip: nightly.input,
      app: 'shop',
      nx: '1800000000123',
    });
    expect(await room.redis.zrange(room.key('schedules'), '0', '-1')).toEqual(['nightly']);
  });

  it('of the same times keeps its next instant and its pause, whatever else changed', async () => {
    const room = openEngineRoom();
    await room.send(registerWorkflows('shop', [scheduleEntry(nightly, 5)], false));
    await room.redis.hset(room.key('schedule:nightly'), 'pa', 1);
    const changed = scheduleEntry({ ...nightly, misfire: 'skip', input: '1' }, 9);
    expect((await room.send(registerWorkflows('shop', [changed], false))).schedules).toEqual([{ id: 'nightly', nextAt: 5 }]);
    expect(await scheduleOf(room)).toMatchObject({ nx: '5', pa: '1', mi: 'skip', ip: '1' });
  });

  it.each([{ expression: '0 4 * * *' }, { timezone: 'UTC' }])(
    'with other times, %p, gets the next instant that comes with it',
    async (change) => {
      const room = openEngineRoom();
      await room.send(registerWorkflows('shop', [scheduleEntry(nightly, 5)], false));
      const changed = scheduleEntry({ ...nightly, ...change }, 9);
      expect((await room.send(registerWorkflows('shop', [changed], false))).schedules).toEqual([{ id: 'nightly', nextAt: 9 }]);
      expect(await scheduleOf(room)).toMatchObject({ nx: '9' });
    },
  );

  it('that another application had is taken over, and says so', async () => {
    const room = openEngineRoom();
    await room.send(registerWorkflows('shop', [scheduleEntry(nightly, 5)], false));
    const { schedules } = await room.send(registerWorkflows('blog', [scheduleEntry(nightly, 5)], false));
    expect(schedules).toEqual([{ id: 'nightly', nextAt: 5, formerApp: 'shop' }]);
    expect(await scheduleOf(room)).toMatchObject({ app: 'blog' });
  });
});

describe('registerWorkflows() of what Redis lost', () => {
  it('restores what is missing', async () => {
    const room = openEngineRoom();
    const entries = [...metas({}), subscriptionEntry('greet', 'order.*'), scheduleEntry(nightly, 5)];
    await room.send(registerWorkflows('shop', entries, false));
    const before = await room.contents();
    await room.redis.del(Object.keys(before).map((key) => room.key(key)));
    expect((await room.send(registerWorkflows('shop', entries, true))).schedules).toEqual([{ id: 'nightly', nextAt: 5 }]);
    const restored = await room.contents();
    expect(Object.keys(restored)).toEqual(Object.keys(before));
    expect(restored).toMatchObject({ 'schedule:nightly': before['schedule:nightly'], triggers: before.triggers });
  });

  it('leaves what a later deployment has changed', async () => {
    const room = openEngineRoom();
    const old = [...metas({ queue: 'old' }), scheduleEntry(nightly, 5)];
    const recent = [...metas({ queue: 'new' }), scheduleEntry({ ...nightly, expression: '0 4 * * *' }, 9)];
    await room.send(registerWorkflows('shop', old, false));
    await room.send(registerWorkflows('shop', recent, false));
    const before = await room.contents();
    expect((await room.send(registerWorkflows('shop', old, true))).schedules).toEqual([{ id: 'nightly' }]);
    expect(await room.contents()).toEqual(before);
  });
});
