import { InlineSteps } from '../memory/inline-steps.js';
import { StepOverrides } from '../memory/step-overrides.js';
import type { StepsOf } from '../worker/worker-internals.js';

/** Without Redis a workflow may be unknown; here the worker finds it, or says so. */
const ALL_KNOWN = { adopt: () => true, whyUnknown: () => '' };

/**
 * Puts what a test gives in place of the steps of a worker, by their names, with the meaning it has for `runInline`.
 *
 * @param given may change: a step is replaced if it is there when the handler comes to the step
 */
export function overrideSteps(given: Readonly<Record<string, unknown>>): StepsOf {
  const byRun = new Map<string, StepOverrides>();
  return ({ run, steps, worker }) => {
    const overrides = byRun.get(run.id) ?? new StepOverrides(given);
    byRun.set(run.id, overrides);
    return new InlineSteps(run.id, steps, overrides, {
      directory: worker.directory,
      workflows: ALL_KNOWN,
      maxPayloadBytes: worker.maxPayloadBytes,
      sealer: worker.sealer,
      now: () => Math.floor(worker.clock.now()),
      // The step fails with it.
      refuse: () => {},
    });
  };
}
