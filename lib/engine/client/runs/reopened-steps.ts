import type { RunRecord, StoredError } from '../../core/api/run.types.js';
import { addReopening, type RunData, type StoredStep } from '../../redis/steps/stored-step.js';

/** Child, event, and the first of several: what others end. */
const WAITS = ['c', 'e', 'a'];

/**
 * The steps of an ended run that happen again when it is retried: waits that were open at its end, child steps whose failure the
 * handler has not seen or has failed with, and steps that failed because the run was canceled.
 */
export function stepsToReopen({ id, error, cancelRequestedAt = Infinity }: RunRecord, { steps }: RunData): string[] {
  const culprits = new Set<string>();
  if (error) collectSteps(error, id, culprits);
  const isReopened = ([name, step]: [string, StoredStep]): boolean => {
    if (step.status === 'w') return WAITS.includes(step.kind);
    if (step.status === 'k') return step.order === 0 || culprits.has(name);
    return step.status === 'f' && (culprits.has(name) || step.moment >= cancelRequestedAt);
  };
  return [...steps].filter(isReopened).map(([name]) => name);
}

/** What the handler asked for since it got the failures of these steps may not be asked for again. */
export function reopeningsOf(reopened: readonly string[], { steps, reopenings }: RunData): string {
  const asked = reopened.flatMap((name) => {
    const step = steps.get(name);
    return step && step.order > 0 ? [step.asked ?? -1] : [];
  });
  if (asked.length === 0) return '';
  const order = Math.max(...[...steps.values()].map((step) => step.order));
  return addReopening(reopenings, { order, delivered: Math.min(...asked) + 1 });
}

/** The steps of a run that an error, its causes and its aggregated errors name as theirs. */
function collectSteps({ code, runId, step, cause, errors }: StoredError, ofRun: string, found: Set<string>): void {
  const isOfStep = code === 'CHILD_WORKFLOW' || code === 'STEP_TIMEOUT';
  if (isOfStep && runId === ofRun && typeof step === 'string') found.add(step);
  if (cause) collectSteps(cause, ofRun, found);
  if (Array.isArray(errors)) for (const one of errors as StoredError[]) collectSteps(one, ofRun, found);
}
