import { describe, expect, it } from '@jest/globals';
import { ConnectionError } from '../../../lib/engine/core/errors/index.js';
import { cancelRun } from '../../../lib/engine/redis/cancellation/cancel-run.js';
import { emitEvent } from '../../../lib/engine/redis/events/emit-event.js';
import { readEvent } from '../../../lib/engine/redis/events/read-event.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { finishRun } from '../../../lib/engine/redis/runs/finish-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { type Op, TransitionError } from '../../../lib/engine/redis/script/op.js';
import type { OperationName } from '../../../lib/engine/redis/script/operation-name.generated.js';
import { ScriptRunner } from '../../../lib/engine/redis/script/script-runner.js';
import { WriteBuffer } from '../../../lib/engine/redis/script/write-buffer.js';
import { readSteps } from '../../../lib/engine/redis/steps/read-steps.js';
import { storeProgress } from '../../../lib/engine/redis/steps/store-progress.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';

/** Notes how operations leave together. */
class NotingRunner extends ScriptRunner {
  readonly calls: string[][] = [];
  inFlight = 0;
  mostInFlight = 0;

  constructor(room: EngineRoom) {
    super(room.connection, room.keys);
  }

  override async run(ops: ReadonlyArray<Op<unknown>>): Promise<unknown[]> {
    this.calls.push(ops.map(({ name }) => name));
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    try {
      return await super.run(ops);
    } finally {
      this.inFlight--;
    }
  }
}

const ONE_AT_A_TIME = { depth: 1, smallest: 1 };

const reads = (count: number): Array<Op<unknown>> => Array.from({ length: count }, (_, index) => readRun(`r${index}`));

describe('WriteBuffer', () => {
  it('sends what one turn of the event loop issues in one call, in order', async () => {
    const room = openEngineRoom();
    const runner = new NotingRunner(room);
    const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
    await room.create({ id: 'r1' });
    const [canceled, read, missing] = await Promise.all([
      buffer.add(cancelRun({ runId: 'r1', reason: '', compensate: true, nonce: '' })),
      buffer.add(readRun('r1')),
      buffer.add(readRun('r2')),
    ]);
    expect(runner.calls).toEqual([['cancel_run', 'read_run', 'read_run']]);
    expect([canceled.status, read?.status, missing]).toEqual(['YES', 'canceled', null]);
  });

  it('sends what Redis may refuse in a call of its own, before the others of the turn', async () => {
    const room = openEngineRoom();
    const runner = new NotingRunner(room);
    const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
    const [missing, read] = await Promise.all([
      buffer.add(readRun('r2')),
      buffer.add(createRun(room.newRun({ id: 'r1' }))).then(() => buffer.add(readRun('r1'))),
      buffer.add(createRun(room.newRun({ id: 'r3' }))),
    ]);
    expect(runner.calls).toEqual([['create_run', 'create_run'], ['read_run'], ['read_run']]);
    expect([missing, read?.id]).toEqual([null, 'r1']);
  });

  it('sends along what has the same key, in its order', async () => {
    const runner = new NotingRunner(openEngineRoom());
    const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
    const [, event] = await Promise.all([
      buffer.add(emitEvent({ id: 'e', nonce: '', name: 'paid', data: '1', headers: '', verdicts: [] })),
      buffer.add(readEvent('e')),
      buffer.add(readEvent('other')),
    ]);
    expect(runner.calls).toEqual([['emit_event', 'read_event'], ['read_event']]);
    expect(event).toMatchObject({ id: 'e', name: 'paid' });
  });

  it('sends what is issued while a call is in flight together in the next one, one call at a time', async () => {
    const room = openEngineRoom();
    const runner = new NotingRunner(room);
    const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
    const first = buffer.add(readRun('a'));
    await new Promise(setImmediate);
    expect(runner.inFlight).toBe(1);
    const later: Array<Promise<unknown>> = [];
    for (const id of ['b', 'c', 'd']) {
      later.push(buffer.add(readRun(id)));
      await new Promise(setImmediate);
    }
    expect(runner.calls).toHaveLength(1);
    await Promise.all([first, ...later]);
    expect(runner.calls.map((call) => call.length)).toEqual([1, 3]);
    expect(runner.mostInFlight).toBe(1);
  });

  describe('with two calls in flight', () => {
    const finish = (id: string, fence = '1') => finishRun(id, fence, 'succeeded', '');

    it('sends a second call while the first is under way, if it is large enough', async () => {
      const runner = new NotingRunner(openEngineRoom());
      const buffer = new WriteBuffer(runner, { depth: 2, smallest: 2 });
      const answers: Array<Promise<unknown>> = [buffer.add(readRun('a'))];
      await new Promise(setImmediate);
      answers.push(buffer.add(readRun('b')));
      await new Promise(setImmediate);
      expect(runner.calls).toHaveLength(1);
      answers.push(buffer.add(readRun('c')));
      await new Promise(setImmediate);
      expect(runner.calls.map((call) => call.length)).toEqual([1, 2]);
      expect(runner.inFlight).toBe(2);
      await Promise.all(answers);
      expect(runner.mostInFlight).toBe(2);
    });

    it('never has operations of one run in both', async () => {
      const room = openEngineRoom();
      const { fence } = await room.running({ id: 'r1' });
      const runner = new NotingRunner(room);
      const buffer = new WriteBuffer(runner, { depth: 2, smallest: 1 });
      const first = buffer.add(releaseRun('r1', fence, 0));
      await new Promise(setImmediate);
      const answers = [buffer.add(finish('r1', fence)), buffer.add(finish('other'))];
      await new Promise(setImmediate);
      expect(runner.calls).toEqual([['release_run'], ['finish_run']]);
      expect([await first, ...(await Promise.all(answers))]).toEqual(['OK', 'DONE', 'LOST']);
      expect(runner.calls).toHaveLength(3);
    });

    it('answers the operations of one run in the order of issue, however many there are', async () => {
      const room = openEngineRoom();
      const runner = new NotingRunner(room);
      const buffer = new WriteBuffer(runner, { depth: 2, smallest: 4 });
      const order: string[] = [];
      const all = Array.from({ length: 300 }, (_, index) => {
        const run = `r${index % 7}`;
        return buffer.add(finish(run)).then(() => order.push(`${run}:${index}`));
      });
      await Promise.all(all);
      for (let run = 0; run < 7; run++) {
        const own = order.filter((entry) => entry.startsWith(`r${run}:`)).map((entry) => Number(entry.split(':')[1]));
        expect(own).toEqual([...own].sort((a, b) => a - b));
      }
    });
  });

  it('sends no more than 128 operations in one call', async () => {
    const room = openEngineRoom();
    const runner = new NotingRunner(room);
    const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
    await Promise.all(reads(600).map((op) => buffer.add(op)));
    expect(runner.calls.map((call) => call.length)).toEqual([128, 128, 128, 128, 88]);
  });

  it('sends no more than a million characters in one call, but one operation however long', async () => {
    const room = openEngineRoom();
    const runner = new NotingRunner(room);
    const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
    const lengths = [400_000, 400_000, 400_000, 3_000_000, 10];
    const created = await Promise.all(
      lengths.map((length, index) => buffer.add(createRun(room.newRun({ id: `r${index}`, input: `"${'x'.repeat(length)}"` })))),
    );
    expect(created.every(({ status }) => status === 'CREATED')).toBe(true);
    expect(runner.calls.map((call) => call.length)).toEqual([2, 1, 1, 1]);
    expect(await room.queued()).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
  });

  describe('with more of one run than a call holds', () => {
    const lost = (run: string, payload = '') => finishRun(run, '1', 'succeeded', payload);

    it('splits it over calls that follow one another, answers it in order, and lets other runs pass', async () => {
      const runner = new NotingRunner(openEngineRoom());
      const buffer = new WriteBuffer(runner, { depth: 3, smallest: 1 });
      const order: number[] = [];
      const all = Array.from({ length: 2_000 }, (_, index) => buffer.add(lost('many')).then(() => order.push(index)));
      const answeredBefore = buffer.add(lost('other')).then(() => order.length);
      await Promise.all(all);
      expect(order).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
      expect(runner.calls.map((call) => call.length)).toEqual([512, 1, 512, 512, 464]);
      expect(await answeredBefore).toBeLessThan(2_000);
    });

    it('bounds its characters, too', async () => {
      const runner = new NotingRunner(openEngineRoom());
      const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
      await Promise.all(Array.from({ length: 5 }, () => buffer.add(lost('r1', `"${'x'.repeat(400_000)}"`))));
      expect(runner.calls.map((call) => call.length)).toEqual([2, 2, 1]);
    });

    it('counts an operation by what it is about', async () => {
      const runner = new NotingRunner(openEngineRoom());
      const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
      const names = Array.from({ length: 3_000 }, (_, index) => `step ${index}`);
      await Promise.all([1, 2, 3, 4].map(() => buffer.add(readSteps('r1', names))));
      expect(runner.calls.map((call) => call.length)).toEqual([2, 2]);
    });
  });

  it('sends an operation of any number of arguments', async () => {
    const names = Array.from({ length: 150_000 }, (_, index) => `step ${index}`);
    expect(await openEngineRoom().send(readSteps('r1', names))).toHaveLength(150_000);
  });

  it('lets a run whose operations fail their call fail alone', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.createAll('a', 'b');
    const [a, b] = await room.claim();
    class RefusingRunner extends NotingRunner {
      override async run(ops: ReadonlyArray<Op<unknown>>): Promise<unknown[]> {
        const replies = await super.run(ops);
        if (ops.some(({ key }) => key === 'b')) throw new RangeError('no such call');
        return replies;
      }
    }
    const runner = new RefusingRunner(room);
    const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
    const answers = await Promise.allSettled([
      buffer.add(storeProgress('a', a.fence, 'step', '1')),
      buffer.add(storeProgress('b', b.fence, 'step', '2')),
      buffer.add(finishRun('b', b.fence, 'succeeded', '2')),
      buffer.add(readRun('a')),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(runner.calls).toEqual([
      ['store_progress', 'store_progress', 'finish_run', 'read_run'],
      ['store_progress'],
      ['store_progress', 'finish_run'],
      ['read_run'],
    ]);
  });

  it('asks before every call for what should ride along', async () => {
    const room = openEngineRoom();
    const runner = new NotingRunner(room);
    const rides: Array<Promise<unknown>> = [];
    const waiting = [finishRun('x', '1', 'succeeded', '')];
    const buffer: WriteBuffer = new WriteBuffer(runner, {
      ...ONE_AT_A_TIME,
      beforeSend: () => {
        for (const op of waiting.splice(0)) rides.push(buffer.add(op));
      },
    });
    await buffer.add(readRun('a'));
    await Promise.all(rides);
    expect(runner.calls).toEqual([['read_run', 'finish_run']]);
  });

  it('asks also when it is only kicked', async () => {
    const room = openEngineRoom();
    const runner = new NotingRunner(room);
    const waiting = [readRun('a')];
    const answers: Array<Promise<unknown>> = [];
    const buffer: WriteBuffer = new WriteBuffer(runner, {
      ...ONE_AT_A_TIME,
      beforeSend: () => {
        for (const op of waiting.splice(0)) answers.push(buffer.add(op));
      },
    });
    buffer.kick();
    buffer.kick();
    await new Promise(setImmediate);
    await Promise.all(answers);
    expect(runner.calls).toEqual([['read_run']]);
  });

  it('rejects the operation that Redis refuses, and no other', async () => {
    const room = openEngineRoom();
    const unknown: Op<unknown> = { name: 'no_such_transition' as string as OperationName, args: [], parse: () => undefined };
    const [before, broken, after] = await Promise.allSettled([
      room.create({ id: 'a' }),
      room.send(unknown),
      room.create({ id: 'b' }),
    ]);
    expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled']);
    const { reason } = broken as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(TransitionError);
    expect(reason).toMatchObject({ name: 'TransitionError', operation: 'no_such_transition' });
    expect(reason.message).toMatch(/^Redis refused "no_such_transition": /);
  });

  it('rejects the operation whose answer cannot be read, and no other', async () => {
    const room = openEngineRoom();
    const unreadable: Op<never> = {
      ...readRun('a'),
      parse: () => {
        throw new SyntaxError('not readable');
      },
    };
    const [broken, good] = await Promise.allSettled([room.send(unreadable), room.send(readRun('b'))]);
    expect(broken).toMatchObject({ status: 'rejected', reason: { message: 'not readable' } });
    expect(good).toEqual({ status: 'fulfilled', value: null });
  });

  it('rejects all operations of a call that failed, and goes on with the next', async () => {
    const room = openEngineRoom();
    await room.redis.lpush(room.key('clock'), 'not a number');
    const failed = await Promise.allSettled([room.create({ id: 'a' }), room.create({ id: 'b' })]);
    expect(failed).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    await room.redis.del(room.key('clock'));
    expect((await room.create({ id: 'a' })).status).toBe('CREATED');
  });

  it('rejects with ConnectionError when Redis cannot be reached', async () => {
    const room = openEngineRoom({ url: 'redis://127.0.0.1:1', giveUpAfterMs: 0 });
    await expect(room.create()).rejects.toBeInstanceOf(ConnectionError);
  });

  it('sends nothing and hears no answer any more once it is abandoned', async () => {
    const room = openEngineRoom();
    const runner = new NotingRunner(room);
    const buffer = new WriteBuffer(runner, ONE_AT_A_TIME);
    const heard: unknown[] = [];
    const hear = (value: unknown) => heard.push(value);
    buffer.send(readRun('in flight'), hear, hear);
    await new Promise(setImmediate);
    buffer.send(createRun(room.newRun({ id: 'waiting' })), hear, hear);
    buffer.abandon();
    buffer.send(createRun(room.newRun({ id: 'later' })), hear, hear);
    while (runner.inFlight > 0) await new Promise(setImmediate);
    // Sent behind what would have been sent.
    expect(await room.send(readRun('waiting'))).toBeNull();
    expect(runner.calls).toEqual([['read_run']]);
    expect(heard).toEqual([]);
  });

  describe('idle()', () => {
    it('resolves at once when nothing was issued', async () => {
      await openEngineRoom().buffer.idle();
    });

    it('resolves when all that was issued is answered', async () => {
      const room = openEngineRoom();
      const settled: number[] = [];
      const all = reads(600).map((op, index) => room.send(op).then(() => settled.push(index)));
      await room.buffer.idle();
      await Promise.resolve();
      expect(settled).toHaveLength(600);
      await Promise.all(all);
    });
  });
});
