import { CREATE_RUN, type NewRun, newRunFields } from '../runs/create-run.js';
import { type ArgumentsOf, defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { askedText } from '../steps/stored-step.js';
import type { EventWait } from './await-event.js';

/** One of several things a step waits for. */
export type Branch = { readonly name: string } & (
  | { readonly timer: { at: number } | { delayMs: number } }
  | { readonly event: EventWait }
  | { readonly child: NewRun }
);

export type AnyAwaited = { readonly now: number } & (
  | {
      readonly status: 'OK';
      /** When the first timer is due. */
      readonly wakeAt?: number;
      /** The branch of the first timer, '' for none. */
      readonly timer: string;
      /** The step's record has its outcome. */
      readonly isOver: boolean;
    }
  | { readonly status: 'DONE' | 'LOST' }
  /** The id of a child is that of a run of another workflow. */
  | { readonly status: 'CONFLICT'; readonly childRunId: string }
  /** A child is over the rate limit of its workflow. */
  | { readonly status: 'LIMITED'; readonly childRunId: string; readonly retryAfterMs: number }
  | { readonly status: 'CANCELED'; readonly reason: string }
);

export const AWAIT_ANY = defineOperation({
  name: 'await_any',
  key: 'id',
  args: ['id', 'fence', 'step', 'asked', '...branches'],
  reply: (reply): AnyAwaited => {
    const [status, now, ms, text, over] = reply as [AnyAwaited['status'], number, number, string, number];
    switch (status) {
      case 'OK':
        return { status, now, wakeAt: ms || undefined, timer: text, isOver: over === 1 };
      case 'CONFLICT':
        return { status, now, childRunId: text };
      case 'LIMITED':
        return { status, now, childRunId: text, retryAfterMs: ms };
      case 'CANCELED':
        return { status, now, reason: text };
      default:
        return { status, now };
    }
  },
});

export function awaitAny(
  run: { readonly runId: string; readonly fence: string; readonly step: string; readonly asked?: number | undefined },
  branches: readonly Branch[],
): Op<AnyAwaited> {
  return AWAIT_ANY({
    id: run.runId,
    fence: run.fence,
    step: run.step,
    asked: askedText(run.asked),
    branches: branches.flatMap(branchArgs),
  });
}

function branchArgs(branch: Branch): Array<string | number> {
  const [letter, args] = argsOf(branch);
  return [letter, branch.name, args.length, ...args];
}

function argsOf(branch: Branch): [letter: string, args: Array<string | number>] {
  if ('timer' in branch) return ['t', ['at' in branch.timer ? `=${branch.timer.at}` : `+${Math.floor(branch.timer.delayMs)}`]];
  if ('event' in branch) return ['e', [branch.event.event, branch.event.correlationKey, branch.event.lookback]];
  const [id, , ...rest] = CREATE_RUN(newRunFields(branch.child)).args;
  return ['c', [id, ...rest]];
}

/** Of a branch of type c: a child has no nonce. */
export function readBranchChild([id, ...rest]: readonly string[]): ArgumentsOf<typeof CREATE_RUN> {
  return CREATE_RUN.read([id, '', ...rest]);
}
