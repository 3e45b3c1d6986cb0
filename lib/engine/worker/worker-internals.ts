import type { WorkflowRegistry } from '../core/api/workflow.types.js';
import type { Registry } from '../core/workflows/registry.js';
import type { ClassResolver } from '../creation/workflow-directory.js';
import type { Pass } from './pass/pass.js';
import type { ContextSteps } from './steps/step-host.js';

/** Puts others in place of the steps that the handler of a pass gets. */
export type StepsOf = (pass: Pass) => ContextSteps;

/** What a framework adds to a worker. */
export interface WorkerInternals {
  /** Finds the definition that a decorated class stands for, when a step starts it as a child. */
  readonly resolveClass?: ClassResolver;
  /** Workflows that steps may start by name, besides those known in Redis. @default the worker's registry */
  readonly registry?: WorkflowRegistry;
  /** For tests. @default the steps of the engine */
  readonly stepsOf?: StepsOf;
  /** Stops the worker, also one that is starting: its start rejects with `ConnectionError` if it waits for Redis. */
  readonly signal?: AbortSignal;
}

export interface ResolvedWorkerInternals extends WorkerInternals {
  readonly resolveClass: ClassResolver;
  readonly registry: Registry;
}
