import { describe, expect, it } from '@jest/globals';
import { startChild } from '../../../lib/engine/redis/children/start-child.js';
import { passPoint } from '../../../lib/engine/redis/compensation/pass-point.js';
import { emitEvent } from '../../../lib/engine/redis/events/emit-event.js';
import { admitRun } from '../../../lib/engine/redis/limits/admit-run.js';
import { backOffRun } from '../../../lib/engine/redis/runs/back-off-run.js';
import { createRun } from '../../../lib/engine/redis/runs/create-run.js';
import { parkRun } from '../../../lib/engine/redis/runs/park-run.js';
import { releaseRun } from '../../../lib/engine/redis/runs/release-run.js';
import { type Op, TransitionError } from '../../../lib/engine/redis/script/op.js';
import { commitStep, type StepCommit } from '../../../lib/engine/redis/steps/commit-step.js';
import { awaitAny } from '../../../lib/engine/redis/waits/await-any.js';
import { awaitEvent } from '../../../lib/engine/redis/waits/await-event.js';
import { registerWorker, type WorkerRegistration } from '../../../lib/engine/redis/workers/register-worker.js';
import { type EngineRoom, openEngineRoom } from '../../support/engine-room.js';
import { newEvent, verdict } from '../../support/event-room.js';

const at = (room: EngineRoom) => ({ runId: 'r1', fence: room.fenceOf('r1'), step: 'step' });
const step = (room: EngineRoom, overrides: Partial<StepCommit>): StepCommit => ({
  runId: 'r1',
  fence: room.fenceOf('r1'),
  name: 'step',
  kind: 's',
  status: 'w',
  order: 0,
  attempt: 1,
  base: 0,
  elapsedMs: 0,
  payload: '',
  ...overrides,
});
const child = (room: EngineRoom, overrides: object) =>
  room.newRun({ id: 'c1', tags: { team: 'blue' }, idempotencyKey: 'key', ...overrides });
const event = { event: 'tick', correlationKey: 'k', lookback: 'run' } as const;

/** What each transition would write a number of, with one that is none. */
const WORKER: WorkerRegistration = {
  workerId: 'w2',
  leaseMs: 1_000,
  app: 'app',
  queues: ['default'],
  concurrency: 1,
  serves: ['greet'],
  deployment: 'd1',
  team: { id: 't1', workflows: ['greet'] },
  forgetAfterMs: 1_000,
  since: '',
};

const REFUSED: Record<string, (room: EngineRoom, bad: number) => Op<unknown>> = {
  'create_run: delay': (room, bad) => createRun(child(room, { start: { delayMs: bad } })),
  'create_run: instant': (room, bad) => createRun(child(room, { start: { at: bad } })),
  'create_run: priority': (room, bad) => createRun(child(room, { priority: bad })),
  'create_run: time to live of its key': (room, bad) => createRun(child(room, { idempotencyTtlMs: bad })),
  'create_run: debounce': (room, bad) => createRun(child(room, { admission: { debounce: { key: 'k', periodMs: bad } } })),
  'admit_run: debounce': (room, bad) => admitRun('r1', room.fenceOf('r1'), { debounce: { key: 'k', periodMs: bad } }),
  'start_child: timeout': (room, bad) =>
    startChild({ ...at(room), waits: true, order: 0, timeoutMs: bad, child: child(room, {}) }),
  'start_child: delay': (room, bad) =>
    startChild({ ...at(room), waits: true, order: 0, child: child(room, { start: { delayMs: bad } }) }),
  'await_any: timer': (room, bad) =>
    awaitAny(at(room), [
      { name: 'a', child: child(room, {}) },
      { name: 'b', timer: { at: bad } },
    ]),
  'await_any: delay of a child': (room, bad) =>
    awaitAny(at(room), [
      { name: 'a', event },
      { name: 'b', child: child(room, { start: { delayMs: bad } }) },
    ]),
  'await_event: timeout': (room, bad) => awaitEvent(at(room), event, bad),
  'emit_event: time': (_room, bad) => emitEvent({ ...newEvent(), ts: bad }),
  'emit_event: priority': (_room, bad) => {
    const { target, ...rest } = verdict('greet');
    return emitEvent(newEvent({ verdicts: [{ ...rest, target: { ...target, priority: bad } }] }));
  },
  'commit_step: wait': (room, bad) => commitStep(step(room, { wait: { delayMs: bad } })),
  'commit_step: elapsed time': (room, bad) => commitStep(step(room, { elapsedMs: bad })),
  'pass_point: number': (room, bad) => passPoint('r1', room.fenceOf('r1'), { number: bad, order: 1, hasOpen: false }),
  'park_run: deadline': (room, bad) => parkRun('r1', room.fenceOf('r1'), bad, []),
  'back_off_run: delay': (room, bad) =>
    backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: bad, deadline: undefined, error: '{}' }),
  'back_off_run: deadline': (room, bad) =>
    backOffRun({ runId: 'r1', fence: room.fenceOf('r1'), delayMs: 1, deadline: bad, error: '{}' }),
  'release_run: delay': (room, bad) => releaseRun('r1', room.fenceOf('r1'), bad),
  'register_worker: lease': (_room, bad) => registerWorker({ ...WORKER, leaseMs: bad }),
  'register_worker: time until forgotten': (_room, bad) => registerWorker({ ...WORKER, forgetAfterMs: bad }),
};

describe('a number that is none', () => {
  it.each(Object.keys(REFUSED))('is refused before anything is written: %s', async (which) => {
    const room = openEngineRoom();
    await room.running({ id: 'r1', input: '1', isForeign: true });
    const before = await room.contents();
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(room.send(REFUSED[which](room, bad))).rejects.toBeInstanceOf(TransitionError);
      expect(await room.contents()).toEqual(before);
    }
  });
});
