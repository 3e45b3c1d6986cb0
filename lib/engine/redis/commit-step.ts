import type { Op, WriteStatus } from './op.js';

export interface StepCommit {
  readonly runId: string;
  readonly fence: string;
  readonly name: string;
  readonly kind: 'r' | 's';
  readonly status: 's' | 'f' | 'x' | 'w' | 'r';
  readonly order: number;
  readonly attempt: number;
  readonly base: number;
  readonly elapsedMs: number;
  /** When a waiting step goes on: an instant, or a delay from the moment the script runs. */
  readonly wait?: { at: number } | { delayMs: number };
  readonly payload: string;
}

export interface StepCommitted {
  readonly status: WriteStatus;
  readonly now: number;
  /** When the step ended or goes on. */
  readonly moment: number;
}

export function commitStep(step: StepCommit): Op<StepCommitted> {
  const { runId, fence, name, kind, status, order, attempt, base, elapsedMs, wait, payload } = step;
  return {
    name: 'commit_step',
    key: runId,
    args: [
      runId,
      fence,
      name,
      // Joined here: every argument of its own was measurable on both sides.
      `${kind},${status},${order},${attempt},${base},`,
      Math.floor(elapsedMs),
      wait ? ('at' in wait ? `=${wait.at}` : `+${Math.floor(wait.delayMs)}`) : '',
      payload,
    ],
    parse: parseCommitted,
  };
}

function parseCommitted(reply: unknown): StepCommitted {
  const [status, now, moment] = reply as [WriteStatus, number, number];
  return { status, now, moment };
}
