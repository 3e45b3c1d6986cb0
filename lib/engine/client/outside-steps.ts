import { onePerProcess } from '../core/copies.js';
import { runScope } from '../core/run-scope.js';

const warned = onePerProcess('warned-outside-steps', () => new Set<string>());

/** What a call does that creates something, and what a handler should write in its place. */
export interface CreatingCall {
  readonly call: string;
  readonly instead: string;
  /** The option that lets a repeat find what the first call has created, if there is one. */
  readonly key?: string;
}

/**
 * Warns of a call that a handler makes outside of its steps, once per workflow: every pass makes it again, after each wait, attempt and crash.
 * @param isRepeatable the caller has given an id or a key, so that the first call counts
 */
export function warnOutsideSteps({ call, instead, key }: CreatingCall, isRepeatable: boolean): void {
  const scope = runScope.getStore();
  if (!scope || scope.step || isRepeatable) return;
  const { run, logger } = scope.context;
  if (warned.has(run.workflow)) return;
  warned.add(run.workflow);
  logger.warn(
    `The handler of workflow "${run.workflow}" called ${call} outside of a step: every pass of a run repeats it, after each wait, attempt and ` +
      `crash. Write ${instead}, or call it inside ctx.step.run()${key === undefined ? '' : `, or give it ${key}`}.`,
  );
}
