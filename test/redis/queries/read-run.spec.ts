import { describe, expect, it } from '@jest/globals';
import { readAttempts } from '../../../lib/engine/redis/queries/read-attempts.js';
import { readRun } from '../../../lib/engine/redis/queries/read-run.js';
import { type FieldRead, readFields } from '../../../lib/engine/redis/run-data/read-fields.js';
import { readRunData } from '../../../lib/engine/redis/run-data/read-run-data.js';
import type { Op } from '../../../lib/engine/redis/script/op.js';
import { WriteBuffer } from '../../../lib/engine/redis/script/write-buffer.js';
import { commitStep } from '../../../lib/engine/redis/steps/commit-step.js';
import { openEngineRoom } from '../../support/engine-room.js';

describe('readRun()', () => {
  it('answers null for an unknown run, and writes nothing', async () => {
    const room = openEngineRoom();
    expect(await room.repeat(readRun('nobody'))).toBeNull();
    expect(await room.contents()).toEqual({});
  });

  it('has no fields that do not apply', async () => {
    const room = openEngineRoom();
    await room.register();
    await room.create({ id: 'r1' });
    const run = await room.send(readRun('r1'));
    expect(Object.keys(run ?? {}).sort()).toEqual(
      'attempt availableAt createdAt id input maxAttempts priority queue recoveries rootRunId status tags trigger workflow'.split(
        ' ',
      ),
    );
  });
});

describe('readRunData()', () => {
  it('reads thousands of steps page by page, each once', async () => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '"in"' });
    const commits = Array.from({ length: 3_000 }, (_, index) =>
      room.send(
        commitStep({
          runId: 'r1',
          fence: room.fenceOf('r1'),
          name: `step ${index}`,
          kind: 'r',
          status: 's',
          order: index + 1,
          attempt: 1,
          base: 0,
          elapsedMs: 0,
          payload: String(index),
        }),
      ),
    );
    await Promise.all(commits);
    const { input, steps } = await readRunData(room.buffer, room.connection, room.keys, 'r1');
    expect(input).toBe('"in"');
    expect(steps.size).toBe(3_000);
    for (let index = 0; index < 3_000; index++) {
      expect(steps.get(`step ${index}`)).toMatchObject({ order: index + 1, payload: String(index) });
    }
  });

  it('reads no more than 1 MiB with one call, and what is longer by itself', async () => {
    const room = openEngineRoom();
    const sizes = { i: 3_000_000, 's:a': 700_000, 's:b': 300_000, 's:c': 400_000, 's:gone': 1, 's:d': 2_000_000, 's:e': 10 };
    const text = (size: number) => `r,s,1,1,0,1,1;${'x'.repeat(size)}`;
    for (const [field, size] of Object.entries(sizes)) await room.redis.hset(room.keys.data('r1'), field, text(size));
    await room.redis.hset(room.keys.data('r1'), 'o', text(5_000_000));
    const answered: number[] = [];
    const buffer = new WriteBuffer(room.runner, { depth: 1, smallest: 1 });
    const noting = { add: <T>(op: Op<T>) => buffer.add({ ...op, parse: (reply) => note(op.parse(reply)) }) };
    const note = <T>(page: T): T => {
      answered.push((page as FieldRead[]).reduce<number>((sum, one) => sum + (typeof one === 'string' ? one.length : 0), 0));
      return page;
    };
    await room.connection.open();
    const { input, steps } = await readRunData(noting as WriteBuffer, room.connection, room.keys, 'r1');
    expect(input).toHaveLength(text(3_000_000).length);
    expect([...steps].map(([name, { payload }]) => [name, payload.length]).sort()).toEqual([
      ['a', 700_000],
      ['b', 300_000],
      ['c', 400_000],
      ['d', 2_000_000],
      ['e', 10],
      ['gone', 1],
    ]);
    expect(answered.length).toBeGreaterThan(1);
    for (const bytes of answered) expect(bytes).toBeLessThanOrEqual(1_048_576);
  });

  it('leaves out what is gone by the time it is read', async () => {
    const room = openEngineRoom();
    await room.redis.hset(room.keys.data('r1'), 'i', '1');
    expect(await room.send(readFields('r1', 100, ['i', 's:gone', 'i']))).toEqual(['1', null, '1']);
  });

  it('of an unknown run is empty', async () => {
    const room = openEngineRoom();
    await room.connection.open();
    expect(await readRunData(room.buffer, room.connection, room.keys, 'nobody')).toEqual({
      input: '',
      steps: new Map(),
      progress: new Map(),
      children: new Map(),
      leftBehind: new Set(),
      reopenings: [],
    });
  });
});

describe('readAttempts()', () => {
  it('is empty for a run that has not started, or does not exist', async () => {
    const room = openEngineRoom();
    await room.create({ id: 'r1' });
    expect(await room.send(readAttempts('r1'))).toEqual([]);
    expect(await room.send(readAttempts('nobody'))).toEqual([]);
  });

  it('shows the pass that is under way', async () => {
    const room = openEngineRoom();
    const { run } = await room.running({ id: 'r1' });
    expect(await room.send(readAttempts('r1'))).toEqual([{ attempt: 1, workerId: 'w1', startedAt: run.startedAt }]);
  });
});
