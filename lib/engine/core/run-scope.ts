import { AsyncLocalStorage } from 'node:async_hooks';
import type { StepContext, WorkflowContext } from './api/workflow.types.js';
import { onePerProcess } from './copies.js';

/** What surrounds the code of a handler: its run, and the step whose function it is in. */
export interface RunScope {
  readonly context: WorkflowContext;
  readonly step?: { readonly name: string; readonly context: StepContext };
}

export const runScope = onePerProcess('run-scope', () => new AsyncLocalStorage<RunScope>());

/** The context of the run whose handler or step calls this, undefined outside. */
export function currentRun(): WorkflowContext | undefined {
  return runScope.getStore()?.context;
}

/** The context of the step whose function calls this, undefined outside. */
export function currentStep(): StepContext | undefined {
  return runScope.getStore()?.step?.context;
}
