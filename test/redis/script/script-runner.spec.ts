import { describe, expect, it } from '@jest/globals';
import { ConnectionError } from '../../../lib/engine/core/errors/index.js';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { emitEvent, type NewEvent } from '../../../lib/engine/redis/events/emit-event.js';
import { listRuns } from '../../../lib/engine/redis/queries/list-runs.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { readStats } from '../../../lib/engine/redis/queries/read-stats.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { triggerSchedule } from '../../../lib/engine/redis/schedules/trigger-schedule.js';
import type { Op } from '../../../lib/engine/redis/script/op.js';
import type { OperationName } from '../../../lib/engine/redis/script/operation-name.generated.js';
import { commitStep } from '../../../lib/engine/redis/steps/commit-step.js';
import { askedAgain } from '../../support/asked-again.js';
import {
  type EngineRoom,
  FENCE_AHEAD,
  idsOf,
  lossyProxy,
  openEngineRoom,
  privateRedis,
  redisPassingFor,
  runsOf,
} from '../../support/engine-room.js';
import { eventually } from '../../support/eventually.js';
import { testPrefix, testRedisUrl } from '../../support/namespace.js';
import { scheduleIn, tickOf } from '../../support/schedule-room.js';

const unknownOp: Op<unknown> = {
  name: 'no_such_transition' as string as OperationName,
  args: ['a', 'b'],
  parse: (reply) => reply,
};

/** From Redis 7 on scripts say that they may write though Redis is out of memory. */
async function hasFlags(room: EngineRoom): Promise<boolean> {
  return (await room.connection.open()).major >= 7;
}

/** Before 7 a worker tries until there is memory. */
async function findMemory(room: EngineRoom): Promise<void> {
  if (await hasFlags(room)) return;
  await askedAgain(room.redis);
  await room.redis.config('SET', 'maxmemory', '0');
}

describe('ScriptRunner', () => {
  it('runs operations in order and answers one reply for each', async () => {
    const room = openEngineRoom();
    await room.register();
    const claim = room.claimOp();
    const started = await room.runner.run([createRun(room.newRun({ id: 'r1' })), claim]);
    expect(started).toEqual([['CREATED', 'r1'], expect.arrayContaining(['OK'])]);
    expect(idsOf(runsOf(claim.parse(started[1])))).toEqual(['r1']);
    const replies = await room.runner.run([
      finishRun('r1', room.fenceOf('r1'), 'succeeded', '1'),
      finishRun('r1', room.fenceOf('r1'), 'succeeded', '1'),
      finishRun('r1', room.fenceOf('r1', -1), 'succeeded', '1'),
      createRun(room.newRun({ id: 'r2' })),
    ]);
    expect(replies).toEqual(['OK', 'DONE', 'LOST', ['CREATED', 'r2']]);
  });

  it('answers an error for an unknown operation alone', async () => {
    const room = openEngineRoom();
    const replies = await room.runner.run([createRun(room.newRun({ id: 'a' })), unknownOp, createRun(room.newRun({ id: 'b' }))]);
    expect(replies).toEqual([
      ['CREATED', 'a'],
      ['ERROR', expect.any(String)],
      ['CREATED', 'b'],
    ]);
    expect(await room.queued()).toEqual(['a', 'b']);
  });

  it('survives SCRIPT FLUSH', async () => {
    const room = openEngineRoom();
    await room.createAll('a');
    await room.redis.script('FLUSH');
    await room.createAll('b');
    expect(await room.queued()).toEqual(['a', 'b']);
  });

  it('throws at once what a repeat cannot mend', async () => {
    const room = openEngineRoom({ giveUpAfterMs: Number.POSITIVE_INFINITY });
    await room.redis.lpush(room.key('clock'), 'not a number');
    await expect(room.runner.run([readRun('r1')])).rejects.toThrow('WRONGTYPE');
  });

  describe('after a lost answer', () => {
    it.each([
      ['', 'a generated id'],
      ['call-1', 'a given id'],
    ])('creates one run (nonce %j, %s)', async (nonce) => {
      const proxy = await lossyProxy();
      const room = openEngineRoom({ url: proxy.url });
      const lost = proxy.dropReplyTo(/create_run/);
      expect(await room.create({ id: 'r1', nonce })).toMatchObject({ status: 'CREATED', id: 'r1' });
      await lost;
      const direct = openEngineRoom({ prefix: room.prefix });
      expect(await direct.queued()).toEqual(['r1']);
      expect(await direct.redis.zcard(room.key('list:q5:greetdefault'))).toBe(1);
    });

    it('hands over the same runs, once', async () => {
      const proxy = await lossyProxy();
      const room = openEngineRoom({ url: proxy.url });
      await room.register();
      await room.createAll('a', 'b', 'c');
      for (const id of ['a', 'b']) await room.redis.hset(room.keys.run(id), 'f', FENCE_AHEAD);
      const lost = proxy.dropReplyTo(/claim_runs/);
      const runs = await room.claim('w1', { want: 2 });
      await lost;
      expect(idsOf(runs)).toEqual(['a', 'b']);
      expect(runs.map(({ fence }) => fence)).toEqual([String(FENCE_AHEAD + 1), String(FENCE_AHEAD + 1)]);
      const direct = openEngineRoom({ prefix: room.prefix });
      expect(await direct.queued()).toEqual(['c']);
    });

    it('repeats a whole batch without a second effect', async () => {
      const proxy = await lossyProxy();
      const room = openEngineRoom({ url: proxy.url });
      await room.register();
      await room.createAll('a', 'b', 'c');
      await room.redis.hset(room.keys.run('b'), 'f', FENCE_AHEAD);
      await room.claim('w1', { want: 2 });
      const lost = proxy.dropReplyTo(/finish_run/);
      const [finished, released, claimed] = await Promise.all([
        room.send(finishRun('a', room.fenceOf('a'), 'succeeded', '1')),
        room.send(releaseRun('b', room.fenceOf('b'), 0)),
        room.claim('w1', { want: 1 }),
      ]);
      await lost;
      expect([finished, released]).toEqual(['DONE', 'LOST']);
      expect(claimed).toMatchObject([{ fence: String(FENCE_AHEAD + 2), run: { id: 'b' } }]);
      const direct = openEngineRoom({ prefix: room.prefix });
      expect(await direct.passes('b')).toBe('h');
      expect(await direct.queued()).toEqual(['c']);
      expect(await direct.redis.llen(room.key('ended'))).toBe(1);
    });

    it('goes on after several in a row, and after a cut while nothing is under way', async () => {
      const proxy = await lossyProxy();
      const room = openEngineRoom({ url: proxy.url });
      const lost = [proxy.dropReplyTo(/create_run/), proxy.dropReplyTo(/create_run/), proxy.dropReplyTo(/create_run/)];
      await room.createAll('a');
      await Promise.all(lost);
      proxy.cut();
      await room.createAll('b');
      expect(await openEngineRoom({ prefix: room.prefix }).queued()).toEqual(['a', 'b']);
    });
  });

  describe('while Redis is away', () => {
    it('gives up after the time set, naming the server and what to do', async () => {
      const server = await privateRedis();
      const room = openEngineRoom({ url: server.url, giveUpAfterMs: 300 });
      await room.createAll('a');
      await server.kill();
      const failure = await room.create({ id: 'b' }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ConnectionError);
      const { message, cause } = failure as ConnectionError;
      expect(message).toContain(`127.0.0.1:${server.port}`);
      expect(message).toContain('did not answer for');
      expect(message).toContain('repeat it with the same runId or idempotencyKey');
      expect(cause).toBeInstanceOf(Error);
    });

    it('goes on when it comes back', async () => {
      const server = await privateRedis();
      const room = openEngineRoom({ url: server.url, giveUpAfterMs: Number.POSITIVE_INFINITY });
      await room.createAll('a');
      await server.kill();
      const created = room.create({ id: 'b' });
      await server.restart();
      expect(await created).toMatchObject({ status: 'CREATED', id: 'b' });
    });

    it('waits for a server that is not there yet', async () => {
      const server = await privateRedis();
      await server.kill();
      const room = openEngineRoom({ url: server.url, giveUpAfterMs: Number.POSITIVE_INFINITY });
      const created = room.create({ id: 'a' });
      await server.restart();
      expect((await created).status).toBe('CREATED');
    });

    it('gives up sooner once told to hurry', async () => {
      const server = await privateRedis();
      const room = openEngineRoom({ url: server.url, giveUpAfterMs: Number.POSITIVE_INFINITY });
      await room.createAll('a');
      await server.kill();
      const failure = expect(room.create({ id: 'b' })).rejects.toBeInstanceOf(ConnectionError);
      room.connection.hurry(0);
      await failure;
    });

    it('gives up when the connection is closed on our side', async () => {
      const server = await privateRedis();
      const room = openEngineRoom({ url: server.url, giveUpAfterMs: Number.POSITIVE_INFINITY });
      await room.createAll('a');
      await server.kill();
      const failure = expect(room.create({ id: 'b' })).rejects.toBeInstanceOf(ConnectionError);
      await room.connection.close();
      await failure;
    });
  });

  // Redis before 7 has no script flags: it refuses inside the script, where one operation's error must not hide the reason.
  describe.each([
    ['as it is', undefined],
    ['before 7', '6.2.14'],
  ])('on a server %s', (_, version) => {
    const urlOf = (url: string) => (version ? redisPassingFor(version, url) : Promise.resolve(url));

    it('runs the script', async () => {
      const room = openEngineRoom({ url: await urlOf(testRedisUrl()) });
      await room.running({ id: 'r1' });
      expect(await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '1'))).toBe('OK');
    });

    it('refuses a client with a clear error when Redis is out of memory, and nothing is written', async () => {
      const server = await privateRedis();
      const room = openEngineRoom({ url: await urlOf(server.url), role: 'client' });
      await room.createAll('a');
      const before = await room.contents();
      await room.redis.config('SET', 'maxmemory', '1');
      const creates = await Promise.allSettled([room.create({ id: 'b', idempotencyKey: 'k' }), room.create({ id: 'c' })]);
      for (const create of creates) {
        expect(create).toMatchObject({ status: 'rejected', reason: { code: 'CONNECTION' } });
        expect((create as PromiseRejectedResult).reason.message).toMatch(
          /^Redis is out of memory: nothing was written\. Raise maxmemory/,
        );
      }
      expect(await room.contents()).toEqual(before);
      await room.redis.config('SET', 'maxmemory', '0');
      expect(await room.create({ id: 'b', idempotencyKey: 'k' })).toMatchObject({ status: 'CREATED', id: 'b' });
    });

    it('answers the reads of a client that leave together with a create which Redis refuses because it is out of memory', async () => {
      const server = await privateRedis();
      const room = openEngineRoom({ url: await urlOf(server.url), role: 'client' });
      await room.createAll('a', 'b');
      await room.redis.config('SET', 'maxmemory', '1');
      const before = await room.contents();
      const [refused, run, missing, { items }, { queues }] = await Promise.all([
        room.create({ id: 'c' }).catch((error: unknown) => error),
        room.send(readRun('a')),
        room.send(readRun('c')),
        room.send(listRuns({ sort: 'asc', limit: 10, statuses: ['queued'] })),
        room.send(readStats()),
      ]);
      expect(refused).toBeInstanceOf(ConnectionError);
      expect([run?.id, missing, items.map(({ id }) => id)]).toEqual(['a', null, ['a', 'b']]);
      expect(queues).toMatchObject([{ name: 'default', depth: 2 }]);
      expect(await room.contents()).toEqual(before);
    });

    it('refuses the emissions and triggers of a client when Redis is out of memory, and nothing is written', async () => {
      const server = await privateRedis();
      const room = openEngineRoom({ url: await urlOf(server.url), role: 'client' });
      await scheduleIn(room, 0);
      await room.redis.config('SET', 'maxmemory', '1');
      const before = await room.contents();
      const event: NewEvent = { id: 'e', nonce: '', name: 'paid', data: '"x"', headers: '', verdicts: [] };
      for (const op of [emitEvent(event), triggerSchedule('nightly', room.newRun({ id: 't' }))]) {
        await expect(room.send<unknown>(op)).rejects.toMatchObject({
          code: 'CONNECTION',
          message: expect.stringMatching(/^Redis is out of memory/),
        });
      }
      expect(await room.contents()).toEqual(before);
    });

    it('waits until a server that became a replica is a primary again', async () => {
      const server = await privateRedis();
      const room = openEngineRoom({ url: await urlOf(server.url), giveUpAfterMs: Number.POSITIVE_INFINITY });
      await room.createAll('a');
      await room.redis.replicaof('127.0.0.1', 1);
      const created = Promise.all([room.create({ id: 'b' }), room.create({ id: 'c' })]);
      // It is left, and found to be a replica still.
      const connections = async () => Number(/total_connections_received:(\d+)/.exec(await room.redis.info('stats'))?.[1]);
      const before = await connections();
      await eventually(async () => (await connections()) >= before + 2);
      await room.redis.replicaof('NO', 'ONE');
      expect(await created).toMatchObject([{ status: 'CREATED' }, { status: 'CREATED' }]);
      expect(await room.queued()).toEqual(['a', 'b', 'c']);
    });
  });

  it('lets a worker commit, finish and claim when Redis is out of memory', async () => {
    const server = await privateRedis();
    const room = openEngineRoom({ url: server.url, role: 'worker' });
    await room.running({ id: 'r1' });
    await room.createAll('r2');
    await room.redis.config('SET', 'maxmemory', '1');
    const step = { kind: 'r', status: 's', order: 1, attempt: 1, base: 0, elapsedMs: 0, payload: '"paid"' } as const;
    const done = Promise.all([
      room.send(commitStep({ ...step, runId: 'r1', fence: room.fenceOf('r1'), name: 'pay' })),
      room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '"done"')),
      room.send(room.claimOp('w1', { want: 1 })),
    ]);
    await findMemory(room);
    const [committed, finished, claim] = await done;
    expect([committed.status, finished, idsOf(runsOf(claim))]).toEqual(['OK', 'OK', ['r2']]);
    expect(await room.send(readRun('r1'))).toMatchObject({ status: 'succeeded', output: 'done' });
  });

  it('cancels for a client when Redis is out of memory, together with a create that is refused', async () => {
    const server = await privateRedis();
    const room = openEngineRoom({ url: server.url, role: 'client' });
    await room.createAll('a');
    await room.redis.config('SET', 'maxmemory', '1');
    const [refused, canceled] = await Promise.all([
      room.create({ id: 'b' }).catch((error: unknown) => error),
      room.send(cancelRun({ runId: 'a', reason: '', compensate: true, nonce: 'n' })).catch((error: unknown) => error),
    ]);
    expect(refused).toBeInstanceOf(ConnectionError);
    const canWrite = await hasFlags(room);
    if (canWrite) expect(canceled).toMatchObject({ status: 'YES', runStatus: 'canceled' });
    else expect(canceled).toBeInstanceOf(ConnectionError);
    expect(await room.send(readRun('a'))).toMatchObject({ status: canWrite ? 'canceled' : 'queued' });
    expect(await room.send(readRun('b'))).toBeNull();
  });

  it('refuses the instant of a schedule to a worker when Redis is out of memory, while what belongs to a run goes on', async () => {
    const server = await privateRedis();
    const room = openEngineRoom({ url: server.url, role: 'worker' });
    await room.running({ id: 'r1' });
    const instant = await scheduleIn(room, 0);
    const tick = await tickOf(room, instant);
    await room.redis.config('SET', 'maxmemory', '1');
    const event: NewEvent = { id: 'e', nonce: '', name: 'paid', data: '"x"', headers: '', verdicts: [] };
    const by = { runId: 'r1', fence: room.fenceOf('r1'), step: 'tell', order: 1 };
    const refused = room.send(tick).catch((error: unknown) => error);
    const emitted = room.send(emitEvent(event, by));
    expect(await refused).toMatchObject({ code: 'CONNECTION', message: expect.stringMatching(/^Redis is out of memory/) });
    await findMemory(room);
    expect(await emitted).toMatchObject({ status: 'OK' });
  });

  it('keeps namespaces apart on one Redis', async () => {
    const rooms = [openEngineRoom(), openEngineRoom({ prefix: testPrefix() })];
    for (const room of rooms) await room.createAll('r1');
    await rooms[0].register();
    expect(await rooms[0].claim()).toHaveLength(1);
    expect(await rooms[1].queued()).toEqual(['r1']);
  });
});
