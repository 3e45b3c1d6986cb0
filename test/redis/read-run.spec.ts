import { describe, expect, it } from '@jest/globals';
import { commitStep } from '../../lib/engine/redis/commit-step.js';
import { readAttempts } from '../../lib/engine/redis/read-attempts.js';
import { readRun } from '../../lib/engine/redis/read-run.js';
import { readRunData } from '../../lib/engine/redis/read-run-data.js';
import { openEngineRoom } from '../support/engine-room.js';

describe('readRun()', () => {
  it('answers null for an unknown run, and writes nothing', async () => {
    const room = openEngineRoom();
    expect(await room.repeat(readRun('nobody'))).toBeNull();
    expect(await room.contents()).toEqual({});
  });

  it('has no fields that do not apply', async () => {
    const room = openEngineRoom();
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
    const { input, steps } = await readRunData(room.connection, room.keys, 'r1');
    expect(input).toBe('"in"');
    expect(steps.size).toBe(3_000);
    for (let index = 0; index < 3_000; index++) {
      expect(steps.get(`step ${index}`)).toMatchObject({ order: index + 1, payload: String(index) });
    }
  });

  it('of an unknown run is empty', async () => {
    const room = openEngineRoom();
    await room.connection.open();
    expect(await readRunData(room.connection, room.keys, 'nobody')).toEqual({
      input: '',
      steps: new Map(),
      progress: new Map(),
      children: new Map(),
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
