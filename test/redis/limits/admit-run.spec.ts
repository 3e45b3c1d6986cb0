import { describe, expect, it } from '@jest/globals';
import type { Admission } from '../../../lib/engine/core/workflows/admission.js';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { admitRun } from '../../../lib/engine/redis/limits/admit-run.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import type { NewRun } from '../../../lib/engine/redis/runs/create-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { retryRun } from '../../../lib/engine/redis/runs/retry-run.js';
import { parseWinner } from '../../../lib/engine/redis/steps/stored-outcome.js';
import { awaitAny } from '../../../lib/engine/redis/waits/await-any.js';
import { type EngineRoom, idsOf, openEngineRoom } from '../../support/engine-room.js';
import { emit, eventOf, stepOf, subscribe } from '../../support/event-room.js';

const PERIOD_MS = 60_000;
const debounce = { periodMs: PERIOD_MS, key: 'k' };
const rateLimit = { limit: 1, periodMs: PERIOD_MS, key: 'k' };

const admit = (room: EngineRoom, id: string, admission: Admission, offset = 0) =>
  admitRun(id, room.fenceOf(id, offset), admission);
const runOf = (room: EngineRoom, id: string) => room.send(readRun(id));

/** A claimed run whose creator did not know its workflow. */
async function foreign(overrides: Partial<NewRun> = {}): Promise<EngineRoom> {
  const room = openEngineRoom();
  const { run } = await room.running({ id: 'r', isForeign: true, input: '1', ...overrides });
  expect(run).toMatchObject({ unadmitted: true, unjudged: false });
  return room;
}

describe('admitRun()', () => {
  it('lets a run go on that is within its rate limit, and counts it once', async () => {
    const room = await foreign();
    const op = admit(room, 'r', { rateLimit });
    expect(await room.send(op)).toEqual({ status: 'OK' });
    expect(await room.repeat(op)).toEqual({ status: 'OK' });
    expect(await room.redis.zrange(room.key('rate:5:greet:k'), '0', '-1')).toEqual(['r']);
    expect(await room.field('r', 'uk')).toBeNull();
    expect(await room.owned()).toEqual(['r']);
  });

  it('fails one that is over it, without a hook', async () => {
    const room = await foreign();
    await room.create({ admission: { rateLimit } });
    const op = admit(room, 'r', { rateLimit });
    expect(await room.send(op)).toEqual({ status: 'OVER' });
    expect(await room.repeat(op)).toEqual({ status: 'DONE' });
    const run = await runOf(room, 'r');
    expect(run).toMatchObject({
      status: 'failed',
      error: { name: 'RateLimitedError', code: 'RATE_LIMITED', key: 'k', limit: 1 },
    });
    expect(run).not.toHaveProperty('failureHook');
    expect(await room.owned()).toEqual([]);
  });

  it('gives one with gates back to the front of its queue: the next claim checks them, and is the start', async () => {
    const room = await foreign();
    await room.create({ id: 'behind' });
    const op = admit(room, 'r', { mutex: 'm', throttle: { limit: 2, periodMs: PERIOD_MS, key: 't' } });
    expect(await room.send(op)).toEqual({ status: 'OVER' });
    expect(await room.repeat(op)).toEqual({ status: 'DONE' });
    expect(await runOf(room, 'r')).toMatchObject({ status: 'queued' });
    expect(await runOf(room, 'r')).not.toHaveProperty('startedAt');
    expect(await room.passes('r')).toBe('');
    expect(await room.queued()).toEqual(['r', 'behind']);
    expect(idsOf(await room.claim())).toEqual(['r', 'behind']);
    expect(await room.field('r', 'hg')).toBe('mt');
    expect(await room.field('r', 'uk')).toBeNull();
  });

  it('leaves the run to its next claim, also in the same script', async () => {
    const room = await foreign();
    await room.runner.run([admit(room, 'r', { mutex: 'm' }), room.claimOp()]);
    expect(await runOf(room, 'r')).toMatchObject({ status: 'running' });
    expect(await room.owned()).toEqual(['r']);
  });

  it('gives back the slot that it had got before its gates were known', async () => {
    const room = openEngineRoom();
    await room.redis.hset(room.key('controls'), 'cgreet', '1');
    await room.running({ id: 'r', isForeign: true });
    await room.create({ id: 'next' });
    expect(await room.claim()).toEqual([]);
    await room.send(admit(room, 'r', { mutex: 'm' }));
    expect(await room.field('r', 'hg')).toBeNull();
    expect(idsOf(await room.claim())).toHaveLength(1);
    expect(await room.redis.scard(room.key('slots:greet'))).toBe(1);
  });

  it('delays a debounced one, which others join', async () => {
    const room = await foreign();
    const before = await room.now();
    const op = admit(room, 'r', { debounce, mutex: 'm' });
    expect(await room.send(op)).toEqual({ status: 'OVER' });
    expect(await room.repeat(op)).toEqual({ status: 'DONE' });
    const run = await runOf(room, 'r');
    expect(run).toMatchObject({ status: 'scheduled', input: 1 });
    expect(run?.availableAt).toBeGreaterThanOrEqual(before + PERIOD_MS);
    expect(run).not.toHaveProperty('startedAt');
    expect(await room.redis.zcard(room.key('list:d5:greetdefault'))).toBe(1);
    expect(await room.create({ input: '2', admission: { debounce } })).toEqual({ status: 'COALESCED', id: 'r' });
    await room.advance(PERIOD_MS);
    const claimed = await room.claimAnew();
    expect(claimed.data?.input).toBe('2');
  });

  it('joins it with the one that is pending, and cancels it', async () => {
    const room = await foreign({ idempotencyKey: 'i' });
    await room.create({ id: 'pending', input: '0', admission: { debounce } });
    const op = admit(room, 'r', { debounce, rateLimit });
    expect(await room.send(op)).toEqual({ status: 'OVER' });
    expect(await room.repeat(op)).toEqual({ status: 'DONE' });
    expect(await runOf(room, 'r')).toMatchObject({
      status: 'canceled',
      cancelReason: 'Debounced: run "pending" has taken its input.',
    });
    expect(await runOf(room, 'pending')).toMatchObject({ status: 'scheduled', input: 1 });
    expect(await room.create({ idempotencyKey: 'i' })).toMatchObject({ status: 'EXISTS', id: 'pending' });
    expect(await room.redis.pttl(room.key('idem:5:greet:i'))).toBeGreaterThan(0);
    expect(await room.redis.exists(room.key('rate:5:greet:k'))).toBe(0);
  });

  it('lets those that wait for it wait for the one it has joined', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'p', workflow: 'parent' });
    const child = (id: string) => room.newRun({ id, input: '1', isForeign: true });
    const by = { runId: 'p', fence: room.fenceOf('p') };
    await room.send(startChild({ ...by, step: 'run', waits: true, order: 0, child: child('r') }));
    await room.send(awaitAny({ ...by, step: 'any' }, [{ name: 'kid', child: child('s') }]));
    await room.create({ id: 'pending', admission: { debounce: { periodMs: PERIOD_MS, key: 'k' } } });
    await room.claim();
    for (const id of ['r', 's']) {
      const op = admit(room, id, { debounce });
      expect(await room.send(op)).toEqual({ status: 'OVER' });
      expect(await room.repeat(op)).toEqual({ status: 'DONE' });
    }
    for (const step of ['run', 'any']) expect(await stepOf(room, 'p', step)).toMatchObject({ status: 'w' });
    expect(await room.redis.hget(room.keys.data('p'), 'c:run')).toBe('pending');
    await room.advance(PERIOD_MS);
    await room.claim();
    await room.send(finishRun('pending', room.fenceOf('pending'), 'succeeded', '"done"'));
    expect(await stepOf(room, 'p', 'run')).toMatchObject({ status: 'd', payload: '"done"' });
    const winner = parseWinner((await stepOf(room, 'p', 'any'))?.payload as string);
    expect(winner).toMatchObject({ branch: 'kid', childRunId: 'pending' });
  });

  it('ends a run whose cancellation was requested meanwhile', async () => {
    const room = await foreign();
    await room.send(cancelRun({ runId: 'r', reason: '', compensate: true, nonce: 'n' }));
    expect(await room.send(admit(room, 'r', { mutex: 'm' }))).toEqual({ status: 'OVER' });
    expect(await runOf(room, 'r')).toMatchObject({ status: 'canceled' });
  });

  it('refuses the fence of an earlier owner', async () => {
    const room = await foreign();
    expect(await room.send(admit(room, 'r', { mutex: 'm' }, -1))).toEqual({ status: 'LOST' });
    expect(await room.field('r', 'mx')).toBeNull();
  });

  it('keeps the start of a run that was recovered before', async () => {
    const room = await foreign();
    const startedAt = (await runOf(room, 'r'))?.startedAt;
    await room.advance(1_000);
    await room.redis.hset(room.keys.run('r'), 'ca', String(await room.now()));
    await room.send(admit(room, 'r', { mutex: 'm' }));
    expect(await runOf(room, 'r')).toMatchObject({ status: 'queued', startedAt });
  });

  it('takes the start from a run that was retried: its deadline counts from when it has passed its gates', async () => {
    const room = await foreign();
    await room.send(finishRun('r', room.fenceOf('r'), 'failed', '{}'));
    await room.send(retryRun({ runId: 'r', nonce: 'n', endedAt: Number(await room.field('r', 'fa')), reopened: [] }));
    await room.claim();
    expect(await room.send(admit(room, 'r', { mutex: 'm' }))).toEqual({ status: 'OVER' });
    expect(await runOf(room, 'r')).not.toHaveProperty('startedAt');
    await room.advance(10_000);
    const claim = await room.send(room.claimOp());
    expect(claim).toMatchObject({ runs: [{ run: { startedAt: (claim as { now: number }).now } }] });
  });

  describe('of an event', () => {
    async function delivered(): Promise<{ room: EngineRoom; id: string }> {
      const room = openEngineRoom();
      await subscribe(room, 'greet', 'order.created');
      await emit(room);
      await room.register();
      const [{ run }] = await room.claim();
      expect(run).toMatchObject({ unjudged: true });
      return { room, id: run.id };
    }

    it('makes it a failed delivery if it is over the rate limit', async () => {
      const { room, id } = await delivered();
      await room.create({ admission: { rateLimit } });
      await room.send(admit(room, id, { rateLimit }));
      expect(await eventOf(room)).toMatchObject({
        fanoutStatus: 'failed',
        deliveryCount: 0,
        failedDeliveryCount: 1,
        deliveries: [{ status: 'failed', error: { code: 'RATE_LIMITED' } }],
      });
    });

    it('makes it a delivery of the pending run, which gets the envelope', async () => {
      const { room, id } = await delivered();
      await room.create({ id: 'pending', admission: { debounce } });
      await room.send(admit(room, id, { debounce }));
      expect(await eventOf(room)).toMatchObject({
        fanoutStatus: 'complete',
        deliveryCount: 1,
        deliveries: [{ status: 'delivered', runId: 'pending' }],
      });
      expect(await runOf(room, 'pending')).toMatchObject({ input: { n: 1 }, eventId: 'e1', trigger: 'event' });
      expect(await room.redis.hget(room.keys.data('pending'), 'ev')).toContain('"id":"e1"');
    });

    it('can be read where the id of the pending run was chosen', async () => {
      const { room, id } = await delivered();
      await room.create({ id: 'a;"b";', admission: { debounce } });
      await room.send(admit(room, id, { debounce }));
      expect(await eventOf(room)).toMatchObject({ deliveries: [{ workflow: 'greet', status: 'delivered', runId: 'a;"b";' }] });
    });

    it('leaves it delivered if it is admitted', async () => {
      const { room, id } = await delivered();
      expect(await room.send(admit(room, id, { rateLimit }))).toEqual({ status: 'OK' });
      expect(await room.field(id, 'fc')).toBeNull();
      expect(await eventOf(room)).toMatchObject({ deliveries: [{ status: 'delivered', runId: id }] });
    });
  });
});
