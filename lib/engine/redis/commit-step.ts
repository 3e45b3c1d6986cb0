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
  return {
    name: 'commit_step',
    args: [
      step.runId,
      step.fence,
      step.name,
      step.kind,
      step.status,
      step.order,
      step.attempt,
      step.base,
      Math.floor(step.elapsedMs),
      step.wait ? ('at' in step.wait ? `=${step.wait.at}` : `+${Math.floor(step.wait.delayMs)}`) : '',
      step.payload,
    ],
    parse: (reply) => {
      const [status, now, moment] = reply as [WriteStatus, number, number];
      return { status, now, moment };
    },
  };
}
