import { START_CHILD } from '../redis/children/start-child.js';
import { FINISH_UNWINDING } from '../redis/compensation/finish-unwinding.js';
import { PASS_POINT } from '../redis/compensation/pass-point.js';
import { UNWIND_RUN } from '../redis/compensation/unwind-run.js';
import { EMIT_EVENT } from '../redis/events/emit-event.js';
import { FINISH_HOOK } from '../redis/failure-hook/finish-hook.js';
import { NOTE_REPLAY } from '../redis/replay/note-replay.js';
import { STORE_PATCHES } from '../redis/replay/store-patches.js';
import { KEEP_INPUT } from '../redis/run-data/keep-input.js';
import { BACK_OFF_RUN } from '../redis/runs/back-off-run.js';
import { FINISH_RUN } from '../redis/runs/finish-run.js';
import { PARK_RUN } from '../redis/runs/park-run.js';
import { RELEASE_RUN } from '../redis/runs/release-run.js';
import type { RawFields } from '../redis/runs/stored-run.js';
import type { Operation, Read } from '../redis/script/define-operation.js';
import type { Op } from '../redis/script/op.js';
import type { OperationName } from '../redis/script/operation-name.generated.js';
import { COMMIT_STEP } from '../redis/steps/commit-step.js';
import { READ_STEPS } from '../redis/steps/read-steps.js';
import { STORE_PROGRESS } from '../redis/steps/store-progress.js';
import { ADOPT_OUTCOME } from '../redis/waits/adopt-outcome.js';
import { AWAIT_ANY, readBranchChild } from '../redis/waits/await-any.js';
import { AWAIT_EVENT } from '../redis/waits/await-event.js';
import type { InlineRun } from './inline-run.js';
import type { InlineStore } from './inline-store.js';

/** Does in memory what the script of the same name does with the same arguments, and answers what it answers. */
type Transition = (store: InlineStore, run: InlineRun, args: Op<unknown>['args']) => unknown;

/** One that takes the arguments by their names. */
function named<A extends string, T>(
  operation: Operation<A, T>,
  transition: (store: InlineStore, run: InlineRun, args: Read<A>) => unknown,
): Transition {
  return (store, run, args) => transition(store, run, operation.read(args));
}

const commitStep = named(COMMIT_STEP, (store, run, { name, head, elapsed, wait, payload }) => {
  const known = run.step(name);
  const record = head[0] === 'o' ? `r${head.slice(1)}` : head;
  const isRemote = 'cea'.includes(head[0]);
  if (isRemote && (known?.status === 'd' || known?.status === 'k')) return 'TAKEN';
  const now = store.now();
  const target = Math.max(0, Number(wait.slice(1)));
  const moment = wait === '' ? undefined : wait[0] === '+' ? now + target : target;
  run.data.set(`s:${name}`, `${record}${now - Number(elapsed)},${moment ?? now};${payload}`);
  if (head[0] === 'v' || head[0] === 'u') run.fields.compensable = '1';
  if (head[0] === 'o') delete run.fields.compensable;
  return moment ?? 'OK';
});

const keepInput = named(KEEP_INPUT, (_store, run, { field, payload }) => {
  run.data.set(field, payload);
  return 'OK';
});

const noteReplay = named(NOTE_REPLAY, (_store, run, { field, note }) => {
  run.data.set(field, note);
  return 'OK';
});

const storeProgress = named(STORE_PROGRESS, (_store, run, { name, payload }) => {
  run.data.set(`g:${name}`, payload);
  return 'OK';
});

const storePatches = named(STORE_PATCHES, (_store, run, { answers }) => {
  run.data.set('pa', answers);
  return 'OK';
});

const readSteps = named(READ_STEPS, (_store, run, { names }) => names.map((name) => run.data.get(`s:${name}`) ?? null));

const adoptOutcome = named(ADOPT_OUTCOME, (_store, run, { name, order, asked }) => {
  const step = run.step(name);
  const status = step?.status === 'd' ? 's' : step?.status;
  if (step && (status === 's' || status === 'k')) {
    run.writeStep(name, { ...step, status, order: Number(order), asked: askedIn(asked) });
  }
  return 'OK';
});

const passPoint = named(PASS_POINT, (_store, run, { number, order, open }) => {
  run.data.set('pt', `${number},${order}`);
  if (open === '0') delete run.fields.compensable;
  return 'OK';
});

const startChild = named(START_CHILD, (store, run, { step, asked, kind, order, timeout, child: childId, ...args }) => {
  const now = store.now();
  if (run.isToBeCanceled) return ['CANCELED', now, run.data.get('cx') ?? '', 0];
  run.data.set(`c:${step}`, childId);
  if (kind === 'm') {
    const payload = JSON.stringify(childId);
    run.writeStep(step, {
      kind,
      status: 's',
      order: Number(order),
      startedAt: now,
      moment: now,
      payload,
      asked: askedIn(asked),
    });
    return ['OK', now, childId, 0];
  }
  const child = store.create(childId, args, childFields(run, step));
  if (!child) return ['CONFLICT', now, childId, 0];
  run.data.set(`c:${step}`, child.id);
  const moment = timeout === '' ? 0 : now + Number(timeout);
  run.writeStep(step, { kind: 'c', status: 'w', order: 0, startedAt: now, moment, payload: '', asked: askedIn(asked) });
  store.awaitEnd(child, { run, step, branch: '' });
  return ['OK', now, child.id, moment];
});

const awaitEvent = named(AWAIT_EVENT, (store, run, { step, asked, timeout }) => {
  const now = store.now();
  const moment = timeout === '' ? 0 : now + Number(timeout);
  run.writeStep(step, { kind: 'e', status: 'w', order: 0, startedAt: now, moment, payload: '', asked: askedIn(asked) });
  return ['OK', now, moment, 0];
});

const awaitAny = named(AWAIT_ANY, (store, run, { step, asked, branches }) => {
  const now = store.now();
  if (run.isToBeCanceled) return ['CANCELED', now, 0, run.data.get('cx') ?? '', 0];
  const children: Array<{ branch: string; args: readonly string[] }> = [];
  let first = 0;
  let timer = '';
  for (let at = 0; at < branches.length; at += 3 + Number(branches[at + 2])) {
    const [letter, branch, count] = branches.slice(at, at + 3);
    const args = branches.slice(at + 3, at + 3 + Number(count));
    if (letter === 'c') children.push({ branch, args });
    if (letter !== 't') continue;
    const when = Math.max(1, Number(args[0].slice(1)) + (args[0][0] === '+' ? now : 0));
    if (first === 0 || when < first) [first, timer] = [when, branch];
  }
  const record = (moment: number, payload: string) =>
    run.writeStep(step, { kind: 'a', status: 'w', order: 0, startedAt: now, moment, payload, asked: askedIn(asked) });
  // What has already happened comes before a timer that is due at once.
  record(0, '');
  let isOver = false;
  for (const { branch, args } of children) {
    const { id, ...fields } = readBranchChild(args);
    const child = store.create(id, fields, childFields(run, step));
    if (!child) return ['CONFLICT', now, 0, id, 0];
    if (store.awaitEnd(child, { run, step, branch })) isOver = true;
  }
  if (!isOver) record(first, timer);
  return ['OK', now, first, timer, isOver ? 1 : 0];
});

/** Nobody subscribes in a run without Redis. */
const emitEvent = named(EMIT_EVENT, (store, run, { step, asked, order }) => {
  const now = store.now();
  const record = { kind: 'n', status: 's', order: Number(order), startedAt: now, moment: now, payload: '[]' };
  run.writeStep(step, { ...record, asked: askedIn(asked) });
  return ['OK', 0, '[]'];
});

const parkRun = named(PARK_RUN, (store, run, { deadline, names }) => {
  const now = store.now();
  if (run.isToBeCanceled) return ['CANCELED', now, run.data.get('cx') ?? ''];
  const ends = names.flatMap((name) => {
    const step = run.step(name);
    if (step?.status !== 'w') return [now];
    return step.moment > 0 || step.kind === 's' || step.kind === 'r' ? [step.moment] : [];
  });
  const first = Math.min(...ends);
  if (first <= now) return ['READY', now];
  const until = Math.min(first, deadline === '' ? Number.POSITIVE_INFINITY : Number(deadline));
  store.rest(run, 'w', until === Number.POSITIVE_INFINITY ? undefined : until, ends.length === 0);
  return ['PARKED', now];
});

const backOffRun = named(BACK_OFF_RUN, (store, run, { delay, deadline, failure }) => {
  if (run.isToBeCanceled) return endCanceled(store, run);
  const at = store.now() + Math.floor(Number(delay));
  run.failedOnce();
  run.data.set('e', failure);
  store.rest(run, 'b', deadline === '' ? at : Math.min(at, Number(deadline)));
  return 'OK';
});

const releaseRun = named(RELEASE_RUN, (store, run, { unfit }) => {
  if (run.isToBeCanceled) return endCanceled(store, run);
  if (unfit === '1') run.fields.handBacks = String(run.stored.handBacks + 1);
  store.queue(run);
  return 'OK';
});

const finishRun = named(FINISH_RUN, (store, run, { outcome, payload, hook }) => {
  if (run.isToBeCanceled) return endCanceled(store, run);
  store.end(run, outcome as 's' | 'f' | 'c', payload, hook);
  return 'OK';
});

const unwindRun = named(UNWIND_RUN, (store, run, { failure }) => {
  if (run.isToBeCanceled) return endCanceled(store, run);
  run.failedOnce();
  run.data.set('e', failure);
  store.unwind(run, 'f');
  return 'OK';
});

const finishUnwinding = named(FINISH_UNWINDING, (store, run, { errors, hook }) => {
  if (errors !== '') run.data.set('ce', errors);
  store.end(run, run.fields.unwinding as 'f' | 'c', run.data.get('e') ?? '', hook);
  return 'OK';
});

const finishHook = named(FINISH_HOOK, (store, run, { failed: failedRunId, outcome, payload: error }) => {
  const failed = store.runs.get(failedRunId) as InlineRun;
  failed.fields.hookStatus = outcome;
  if (error !== '') failed.data.set('fe', error);
  store.runs.delete(run.id);
  return 'OK';
});

/** Those that a pass issues. */
const TRANSITIONS: Readonly<Partial<Record<OperationName, Transition>>> = {
  commit_step: commitStep,
  keep_input: keepInput,
  read_steps: readSteps,
  store_patches: storePatches,
  store_progress: storeProgress,
  note_replay: noteReplay,
  adopt_outcome: adoptOutcome,
  pass_point: passPoint,
  start_child: startChild,
  await_event: awaitEvent,
  await_any: awaitAny,
  emit_event: emitEvent,
  park_run: parkRun,
  back_off_run: backOffRun,
  release_run: releaseRun,
  finish_run: finishRun,
  unwind_run: unwindRun,
  finish_unwinding: finishUnwinding,
  finish_hook: finishHook,
};

/** By the name of the operation. */
export function transitionOf(name: OperationName): Transition {
  const transition = TRANSITIONS[name];
  if (!transition) throw new TypeError(`"${name}" is no operation of a pass: add it to the transitions in memory.`);
  return transition;
}

const askedIn = (text: string): number | undefined => (text === '' ? undefined : Number(text.slice(1)));

/** Children of a failure hook are those of the run that has failed. */
function childFields({ id, fields }: InlineRun, step: string): RawFields {
  const { hookOf, rootRunId } = fields;
  return { trigger: 'child', parentRunId: hookOf ?? id, parentStep: step, rootRunId: rootRunId ?? id };
}

function endCanceled(store: InlineStore, run: InlineRun): 'OK' {
  store.endCanceled(run);
  return 'OK';
}
