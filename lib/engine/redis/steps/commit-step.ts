import { defineOperation } from '../script/define-operation.js';
import type { Op, WriteStatus } from '../script/op.js';
import { askedText } from './stored-step.js';

export interface StepCommit {
  readonly runId: string;
  readonly fence: string;
  readonly name: string;
  /**
   * Of functions with a compensation: `v` has completed, `u` is begun and its outcome unknown, `o` has failed by itself, and with it the
   * run has nothing left to undo: it is stored as `r`.
   */
  readonly kind: 'r' | 'v' | 'u' | 'o' | 's' | 'c' | 'm' | 'e' | 'n' | 'a';
  readonly status: 's' | 'f' | 'x' | 'w' | 'r';
  readonly order: number;
  readonly attempt: number;
  readonly base: number;
  readonly elapsedMs: number;
  /** When a waiting step goes on: an instant, or a delay from the moment the script runs. */
  readonly wait?: { at: number } | { delayMs: number };
  readonly payload: string;
  /** Of the arguments of a numbered call, see `StoredStep`. */
  readonly digest?: string | undefined;
}

export interface StepCommitted {
  /** `TAKEN`: somebody else ended the wait before. */
  readonly status: WriteStatus | 'TAKEN';
  /** When a step that waits goes on. */
  readonly moment?: number;
}

export function commitStep(step: StepCommit): Op<StepCommitted> {
  return commitStepOf(step.runId, step.fence, step, undefined);
}

export const COMMIT_STEP = defineOperation({
  name: 'commit_step',
  key: 'id',
  args: ['id', 'fence', 'name', 'head', 'elapsed', 'wait', 'payload'],
  keepsOwners: true,
  reply: (reply): StepCommitted =>
    typeof reply === 'number' ? { status: 'OK', moment: reply } : { status: reply as StepCommitted['status'] },
});

/**
 * As {@link commitStep}, for a caller that has run and fence apart.
 * @param asked see {@link StoredStep}
 */
export function commitStepOf(
  runId: string,
  fence: string,
  step: Omit<StepCommit, 'runId' | 'fence'>,
  asked: number | undefined,
): Op<StepCommitted> {
  const { wait, digest } = step;
  // Joined here: every argument of its own was measurable on both sides.
  const numbers = `${step.kind},${step.status},${step.order},${step.attempt},${step.base}${askedText(asked)},`;
  const head = digest === undefined ? numbers : `${numbers}${digest},`;
  const pause = wait ? ('at' in wait ? `=${wait.at}` : `+${Math.floor(wait.delayMs)}`) : '';
  return COMMIT_STEP({
    id: runId,
    fence,
    name: step.name,
    head,
    elapsed: Math.floor(step.elapsedMs),
    wait: pause,
    payload: step.payload,
  });
}
