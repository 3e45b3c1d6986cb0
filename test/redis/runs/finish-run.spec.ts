import { describe, expect, it } from '@jest/globals';
import { readAttempts } from '../../../lib/engine/redis/queries/read-attempts.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { awaitRun, parseEndMessage } from '../../../lib/engine/redis/runs/await-run.js';
import { backOffRun } from '../../../lib/engine/redis/runs/back-off-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { reapWorkers } from '../../../lib/engine/redis/workers/reap-workers.js';
import { type EngineRoom, openEngineRoom, plainClient } from '../../support/engine-room.js';

const ERROR = '{"name":"Error","message":"no"}';

/** Collects what is published to a channel; `upToNow()` resolves once all that was published before has arrived. */
async function listen(room: EngineRoom, channel: string): Promise<{ upToNow(): Promise<string[]> }> {
  const subscriber = plainClient();
  const messages: string[] = [];
  let onMark: () => void = () => undefined;
  subscriber.on('message', (_channel, text) => (text === 'mark' ? onMark() : messages.push(text)));
  await subscriber.subscribe(room.keys.endedChannel(channel));
  return {
    async upToNow() {
      const marked = new Promise<void>((resolve) => {
        onMark = resolve;
      });
      await room.redis.publish(room.keys.endedChannel(channel), 'mark');
      await marked;
      return messages;
    },
  };
}

describe('finishRun()', () => {
  it('writes success with its output', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '{"a":1}'))).toBe('OK');
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'succeeded', output: { a: 1 }, attempt: 1, workerId: 'w1' });
    expect(run).not.toHaveProperty('error');
    expect(run?.finishedAt).toBeGreaterThanOrEqual(run?.startedAt ?? 0);
    expect(await room.redis.lrange(room.key('ended'), 0, -1)).toEqual(['r1']);
    expect(await room.owned()).toEqual([]);
  });

  it('writes success without an output', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
    expect(await room.send(readRun('r1'))).not.toHaveProperty('output');
    expect(await room.redis.exists(room.keys.data('r1'))).toBe(0);
  });

  it('writes failure with its error', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    expect(await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR))).toBe('OK');
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'failed', error: { name: 'Error', message: 'no' }, attempt: 1 });
    expect(run).not.toHaveProperty('output');
  });

  it('forgets the error of an earlier attempt on success', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1' });
    await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 0, error: ERROR }));
    await room.claim();
    await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '1'));
    const run = await room.send(readRun('r1'));
    expect(run).toMatchObject({ status: 'succeeded', attempt: 2, output: 1 });
    expect(run).not.toHaveProperty('error');
  });

  describe('repeated', () => {
    it.each(['succeeded', 'failed'] as const)('after %s, answers DONE and changes nothing', async (outcome) => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const op = finishRun('r1', room.fenceOf('r1'), outcome, ERROR);
      await room.send(op);
      expect(await room.repeat(op)).toBe('DONE');
    });

    it('does not change the outcome, whatever it says', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '1'));
      expect(await room.repeat(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR))).toBe('DONE');
      expect(await room.send(readRun('r1'))).toMatchObject({ status: 'succeeded', output: 1 });
    });

    it('in a later pass, counts and records once', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
      await room.claim();
      const op = finishRun('r1', room.fenceOf('r1'), 'failed', ERROR);
      expect(await room.send(op)).toBe('OK');
      expect(await room.repeat(op)).toBe('DONE');
      expect(await room.passes('r1')).toBe('hf');
      expect(await room.field('r1', 'n')).toBe('1');
    });
  });

  describe('history', () => {
    it('of a run that ended in its first pass is told from the run', async () => {
      const room = openEngineRoom();
      const { run } = await room.running({ id: 'r1' });
      await room.send(finishRun('r1', room.fenceOf('r1'), 'failed', ERROR));
      expect(await room.passes('r1')).toBe('');
      const finishedAt = (await room.send(readRun('r1')))?.finishedAt;
      expect(await room.send(readAttempts('r1'))).toEqual([
        {
          attempt: 1,
          workerId: 'w1',
          startedAt: run.startedAt,
          finishedAt,
          outcome: 'failed',
          error: { name: 'Error', message: 'no' },
        },
      ]);
    });

    it('lists every pass of a run that had several', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      await room.send(releaseRun('r1', room.fenceOf('r1'), 0));
      await room.advance(10_000);
      const claim = await room.send(room.claimOp());
      await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 0, error: ERROR }));
      await room.claim();
      const running = await room.send(readAttempts('r1'));
      expect(running.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
        [1, 'handed_back'],
        [1, 'failed'],
        [2, undefined],
      ]);
      expect(running[1].startedAt).toBe((claim as { now: number }).now);
      await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', ''));
      const ended = await room.send(readAttempts('r1'));
      expect(ended.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
        [1, 'handed_back'],
        [1, 'failed'],
        [2, 'succeeded'],
      ]);
      expect(ended[1].error).toEqual({ name: 'Error', message: 'no' });
      expect(ended[2].startedAt).toBe(running[2].startedAt);
    });
  });

  describe('refuses', () => {
    it.each([
      ['an older fence', 'r1', -1],
      ['an unknown run', 'nobody', 0],
    ])('%s with LOST', async (_, runId, offset) => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      expect(await room.repeat(finishRun(runId, room.fenceOf('r1', offset), 'succeeded', '1'))).toBe('LOST');
    });

    it('the old owner with LOST after a reap, and the new one may write', async () => {
      const room = openEngineRoom();
      const { fence } = await room.running({ id: 'r1' });
      await room.expireLease('w1');
      await room.send(reapWorkers(10));
      expect(await room.repeat(finishRun('r1', fence, 'succeeded', '"old"'))).toBe('LOST');
      await room.register('w2');
      const claimed = await room.claimAnew('w2');
      expect(await room.repeat(finishRun('r1', fence, 'succeeded', '"old"'))).toBe('LOST');
      expect(await room.send(finishRun('r1', claimed.fence, 'succeeded', '"new"'))).toBe('OK');
      expect((await room.send(readRun('r1')))?.output).toBe('new');
    });
  });

  describe('tells who waits', () => {
    it.each([
      ['succeeded', '{"a":"=?:"}'],
      ['succeeded', ''],
      ['failed', ERROR],
    ] as const)('that the run %s, once, with its payload %j', async (outcome, payload) => {
      const room = openEngineRoom();
      await room.running({ id: 'lauf-ü:1', workflow: 'grüße:2' });
      const listeners = [await listen(room, 'c1'), await listen(room, 'c2'), await listen(room, 'c3')];
      for (const channel of ['c1', 'c2']) await room.send(awaitRun('lauf-ü:1', channel));
      const op = finishRun('lauf-ü:1', room.fenceOf('lauf-ü:1'), outcome, payload);
      await room.send(op);
      await room.send(op);
      const received = await Promise.all(listeners.map((listener) => listener.upToNow()));
      expect(received.map((messages) => messages.length)).toEqual([1, 1, 0]);
      expect(parseEndMessage(received[0][0])).toEqual({ runId: 'lauf-ü:1', workflow: 'grüße:2', outcome, payload });
      expect(await room.redis.exists(room.key('waiters:lauf-ü:1'))).toBe(0);
    });

    it.each([
      ['up to 16 KiB', 16_384, true],
      ['without the payload beyond', 16_385, false],
    ])('%s', async (_, bytes, isIncluded) => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const listener = await listen(room, 'c1');
      await room.send(awaitRun('r1', 'c1'));
      const payload = `"${'ä'.repeat((bytes - 2) / 2)}${bytes % 2 ? 'x' : ''}"`;
      expect(Buffer.byteLength(payload)).toBe(bytes);
      await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', payload));
      const [message] = await listener.upToNow();
      expect(parseEndMessage(message).payload).toBe(isIncluded ? payload : undefined);
    });

    it('nobody when a park or a retry ends the pass', async () => {
      const room = openEngineRoom();
      await room.running({ id: 'r1' });
      const listener = await listen(room, 'c1');
      await room.send(awaitRun('r1', 'c1'));
      await room.send(backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 0, error: ERROR }));
      expect(await listener.upToNow()).toEqual([]);
      await room.claim();
      await room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '1'));
      expect(await listener.upToNow()).toHaveLength(1);
    });
  });

  it('answers an error for itself alone when a key of the namespace is of another type', async () => {
    const room = openEngineRoom();
    await room.createAll('r1', 'r2');
    await room.register();
    await room.claim();
    await room.redis.set(room.keys.data('r1'), 'not a hash');
    const [broken, good] = await Promise.allSettled([
      room.send(finishRun('r1', room.fenceOf('r1'), 'succeeded', '1')),
      room.send(finishRun('r2', room.fenceOf('r2'), 'succeeded', '1')),
    ]);
    expect(broken).toMatchObject({ status: 'rejected', reason: { operation: 'finish_run' } });
    expect(good).toEqual({ status: 'fulfilled', value: 'OK' });
  });
});
