import { describe, expect, it } from '@jest/globals';
import { readRunData } from '../../../lib/engine/redis/run-data/read-run-data.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { commitStep, type StepCommit, type StepCommitted } from '../../../lib/engine/redis/steps/commit-step.js';
import type { StoredStep } from '../../../lib/engine/redis/steps/stored-step.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

function step(room: EngineRoom, overrides: Partial<StepCommit> = {}): StepCommit {
  return {
    runId: 'r1',
    fence: room.fenceOf('r1'),
    name: 'charge',
    kind: 'r',
    status: 's',
    order: 1,
    attempt: 1,
    base: 0,
    elapsedMs: 0,
    payload: '',
    ...overrides,
  };
}

/** Commits a step and learns the time of the script, from a claim in the same call. */
async function commit(room: EngineRoom, overrides: Partial<StepCommit>): Promise<{ committed: StepCommitted; now: number }> {
  const [committed, claim] = await Promise.all([room.send(commitStep(step(room, overrides))), room.send(room.claimOp())]);
  if (claim.status !== 'OK') throw new Error(`The claim was answered with ${claim.status}.`);
  return { committed, now: claim.now };
}

async function stored(room: EngineRoom, name = 'charge'): Promise<StoredStep | undefined> {
  return (await readRunData(room.buffer, room.connection, room.keys, 'r1')).steps.get(name);
}

describe('commitStep()', () => {
  it('stores a result with its times on the Redis clock', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const { committed, now } = await commit(room, { attempt: 2, base: 1, order: 4, elapsedMs: 250.7, payload: '{"a":";,"}' });
    expect(committed).toEqual({ status: 'OK' });
    expect(await stored(room)).toEqual({
      kind: 'r',
      status: 's',
      order: 4,
      attempt: 2,
      base: 1,
      startedAt: now - 250,
      moment: now,
      payload: '{"a":";,"}',
    });
  });

  it.each(['a:b', 's:charge', '{}:*', 'straße 日本 🚀', ',;', 'x'.repeat(512)])('takes the name %j as it is', async (name) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '"the input"' });
    await room.send(commitStep(step(room, { name, payload: '1' })));
    const data = await readRunData(room.buffer, room.connection, room.keys, 'r1');
    expect([...data.steps.keys()]).toEqual([name]);
    expect(data.input).toBe('"the input"');
  });

  describe('a wait', () => {
    it('ends after a delay from the time of the script', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const { committed, now } = await commit(room, { kind: 's', status: 'w', order: 0, wait: { delayMs: 30_000.9 } });
      expect(committed).toEqual({ status: 'OK', moment: now + 30_000 });
      expect(await stored(room)).toMatchObject({ kind: 's', status: 'w', moment: committed.moment });
    });

    it.each([
      ['a past instant', 1_000],
      ['a near one', 2_000_000_000_000],
      ['the epoch', 0],
      ['the last one a Date can name', 8_640_000_000_000_000],
    ])('ends at %s', async (_, at) => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const committed = await room.send(commitStep(step(room, { kind: 's', status: 'w', order: 0, wait: { at } })));
      expect(committed.moment).toBe(at);
      expect(await stored(room)).toMatchObject({ moment: at });
    });

    it('ends at once at an instant before the epoch', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      await room.send(commitStep(step(room, { kind: 's', status: 'w', order: 0, wait: { at: -1_000 } })));
      expect(await stored(room)).toMatchObject({ status: 'w', moment: 0 });
    });

    it('is not put off by a repeat', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const op = commitStep(step(room, { kind: 's', status: 'w', order: 0, wait: { delayMs: 30_000 } }));
      const { moment } = await room.send(op);
      expect(await room.repeat(op)).toMatchObject({ status: 'OK', moment });
    });

    it('begins anew for another attempt of a step', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const wait = { delayMs: 30_000 };
      const first = await room.send(commitStep(step(room, { status: 'w', order: 0, wait, attempt: 1, payload: '1' })));
      await room.advance(40_000);
      const second = await room.send(commitStep(step(room, { status: 'w', order: 0, wait, attempt: 2, payload: '2' })));
      expect(second.moment).toBeGreaterThanOrEqual(Number(first.moment) + 40_000);
      expect(await stored(room)).toMatchObject({ attempt: 2, payload: '2', moment: second.moment });
    });
  });

  it('repeated, writes the same record again', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const op = commitStep(step(room, { payload: '{"paid":true}' }));
    expect((await room.send(op)).status).toBe('OK');
    const before = await stored(room);
    const second = await room.send(op);
    expect(second.status).toBe('OK');
    const after = await stored(room);
    expect({ ...after, startedAt: 0, moment: 0 }).toEqual({ ...before, startedAt: 0, moment: 0 });
    expect(after?.moment).toBeGreaterThanOrEqual(Number(before?.moment));
    expect(await room.redis.hlen(room.keys.data('r1'))).toBe(1);
  });

  it('replaces the record of a step that goes on', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    for (const status of ['r', 'w', 'x', 's'] as const)
      await room.send(commitStep(step(room, { status, payload: `"${status}"` })));
    expect(await stored(room)).toMatchObject({ status: 's', payload: '"s"' });
    expect(await room.redis.hlen(room.keys.data('r1'))).toBe(1);
  });

  describe('recovery streak', () => {
    it.each([
      ['s', null],
      ['f', '2'],
      ['x', '2'],
      ['w', '2'],
      ['r', '2'],
    ] as const)('after status %s is %s', async (status, streak) => {
      const room = openEngineRoom();
      await room.create({ id: 'r1' });
      await room.redis.hset(room.keys.run('r1'), 'rs', 2);
      await room.register();
      await room.claim();
      await room.send(commitStep(step(room, { status })));
      expect(await room.field('r1', 'rs')).toBe(streak);
    });
  });

  describe('refuses', () => {
    it.each([
      ['an older fence', 'r1', -1],
      ['a fence of the future', 'r1', 1],
      ['an unknown run', 'nobody', 0],
    ])('%s with LOST', async (_, runId, offset) => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const op = commitStep(step(room, { runId, fence: room.fenceOf('r1', offset) }));
      expect(await room.repeat(op)).toMatchObject({ status: 'LOST' });
    });

    it('the old owner with LOST after a reap, also before the run is claimed again', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const late = commitStep(step(room));
      await room.expireLease('w1');
      await room.send(reapWorkers(10));
      expect(await room.repeat(late)).toMatchObject({ status: 'LOST' });
      await room.register('w2');
      const { fence } = await room.claimAnew('w2');
      expect(await room.repeat(late)).toMatchObject({ status: 'LOST' });
      expect((await room.send(commitStep(step(room, { fence })))).status).toBe('OK');
    });

    it('a pass that has ended by its own write with DONE', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
      expect(await room.repeat(commitStep(step(room)))).toMatchObject({ status: 'DONE' });
    });
  });

  it('answers an error for itself alone when a key of the namespace is of another type', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.create({ id: 'r2' });
    const [{ fence }] = await room.claim();
    await room.redis.set(room.keys.data('r1'), 'not a hash');
    const [broken, good] = await Promise.allSettled([
      room.send(commitStep(step(room))),
      room.send(commitStep(step(room, { runId: 'r2', fence }))),
    ]);
    expect(broken).toMatchObject({ status: 'rejected', reason: { operation: 'commit_step' } });
    expect(good).toMatchObject({ status: 'fulfilled', value: { status: 'OK' } });
  });
});

describe('commitStep() of a step with a compensation', () => {
  it.each(['u', 'v'] as const)('marks the run as one with something to undo: kind %s', async (kind) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    const op = commitStep(step(room, { kind, status: kind === 'u' ? 'r' : 's', order: 0 }));
    expect(await room.send(op)).toEqual({ status: 'OK' });
    expect(await room.send(op)).toEqual({ status: 'OK' });
    expect(await room.field('r1', 'cp')).toBe('1');
    expect(await stored(room)).toMatchObject({ kind });
  });

  it('takes the mark away with a failure that leaves nothing to undo, and stores that as of any function', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(commitStep(step(room, { kind: 'u', status: 'r', order: 0 })));
    const op = commitStep(step(room, { kind: 'o', status: 'w', order: 0, wait: { delayMs: 60_000 } }));
    const { moment } = await room.send(op);
    expect(await room.repeat(op)).toEqual({ status: 'OK', moment });
    expect(await room.field('r1', 'cp')).toBeNull();
    expect(await stored(room)).toMatchObject({ kind: 'r', status: 'w' });
  });
});
