import { describe, expect, it } from '@jest/globals';
import {
  memberOf,
  type RegistryEntry,
  registerWorkflows,
  scheduleEntry,
  subscriptionEntry,
  workflowEntry,
} from '../../lib/engine/redis/register-workflows.js';
import { removeUndeclared } from '../../lib/engine/redis/remove-undeclared.js';
import { type EngineRoom, openEngineRoom } from '../support/engine-room.js';

const flow = (name: string, app = 'app') =>
  workflowEntry({
    name,
    app,
    queue: 'default',
    maxAttempts: 3,
    priority: 0,
    tags: {},
    retries: { maxAttempts: 3, delay: 0 },
    cron: [],
    events: [],
  });

const schedule = (id: string, workflow = 'old') =>
  scheduleEntry({ id, workflow, expression: '0 3 * * *', timezone: 'UTC', misfire: 'once', input: '' }, 5);

const OLD = [flow('old'), subscriptionEntry('old', 'order.*'), subscriptionEntry('old', 'paid'), schedule('nightly')];
const NEW = [flow('new'), subscriptionEntry('new', 'paid')];

/** A worker that starts with this code. */
async function start(room: EngineRoom, workerId: string, entries: RegistryEntry[], app = 'app'): Promise<void> {
  await room.register(workerId, ['default'], { app, declares: entries.map(memberOf) });
  await room.send(registerWorkflows(app, entries, false));
}

const names = async (room: EngineRoom) => (await room.redis.hkeys(room.keys.workflows)).sort();

describe('removeUndeclared()', () => {
  it('removes what left the code, with all that finds it', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', OLD);
    await room.expireLease('w1');
    await start(room, 'w2', NEW);
    const op = removeUndeclared('w2', 10);
    expect(await room.send(op)).toBe('OK');
    expect(await room.repeat(op)).toBe('OK');
    const contents = await room.contents();
    expect(Object.keys(contents).filter((key) => !/^(worker|deployment|team|members|counters)/.test(key))).toEqual([
      'app:app',
      'serving:default',
      'subscribers:paid',
      'triggers',
      'workflows',
    ]);
    expect(contents).toMatchObject({
      'app:app': ['t3:newpaid', 'wnew'],
      'subscribers:paid': ['new'],
      triggers: { '3:newpaid': 'app' },
    });
    expect(await names(room)).toEqual(['new']);
  });

  it('keeps what a living worker of the application declares', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', OLD);
    await start(room, 'w2', NEW);
    const before = await room.contents();
    expect(await room.send(removeUndeclared('w2', 10))).toBe('OK');
    expect(await room.send(removeUndeclared('w1', 10))).toBe('OK');
    expect(await room.contents()).toEqual(before);
  });

  it('keeps only what of several living workers any declares', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', [flow('a'), flow('b'), flow('c')]);
    await start(room, 'w2', [flow('b')]);
    await start(room, 'w3', [flow('d')]);
    await start(room, 'w4', [flow('d')]);
    await room.expireLease('w1');
    await room.send(removeUndeclared('w4', 10));
    expect(await names(room)).toEqual(['b', 'd']);
  });

  it('leaves the entries of other applications alone, also one that went over to another', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', [flow('theirs', 'other'), schedule('weekly', 'theirs')], 'other');
    await start(room, 'w2', [flow('moved'), schedule('nightly', 'moved'), subscriptionEntry('moved', 'paid')]);
    await start(room, 'w3', [flow('moved', 'other'), schedule('nightly', 'moved'), subscriptionEntry('moved', 'paid')], 'other');
    await room.expireLease('w1');
    await room.expireLease('w2');
    await start(room, 'w4', NEW);
    expect(await room.send(removeUndeclared('w4', 10))).toBe('OK');
    expect(await names(room)).toEqual(['moved', 'new', 'theirs']);
    expect(await room.redis.zrange(room.key('schedules'), '0', '-1')).toEqual(['nightly', 'weekly']);
    expect((await room.redis.smembers(room.key('subscribers:paid'))).sort()).toEqual(['moved', 'new']);
    expect((await room.redis.smembers(room.key('app:app'))).sort()).toEqual(['t3:newpaid', 'wnew']);
  });

  it('removes no more than its limit in one call', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', [flow('a'), flow('b'), flow('c')]);
    await room.expireLease('w1');
    await start(room, 'w2', [flow('d')]);
    const op = removeUndeclared('w2', 2);
    expect(await room.send(op)).toBe('AGAIN');
    expect(await names(room)).toHaveLength(2);
    expect(await room.send(op)).toBe('OK');
    expect(await names(room)).toEqual(['d']);
  });

  it('removes nothing for a worker without a lease', async () => {
    const room = openEngineRoom();
    await start(room, 'w1', OLD);
    await start(room, 'w2', NEW);
    await room.expireLease('w1');
    await room.expireLease('w2');
    const before = await room.contents();
    expect(await room.send(removeUndeclared('w2', 10))).toBe('LOST');
    expect(await room.send(removeUndeclared('nobody', 10))).toBe('LOST');
    expect(await room.contents()).toEqual(before);
  });
});
