import type { EventTrigger } from '../api/trigger.types.js';
import type { ResolvedWorkflowOptions } from './resolve-workflow.js';

/** What creating a run needs to know of its workflow. */
export interface RunTarget {
  readonly workflow: string;
  readonly queue: string;
  readonly priority: number;
  /** Undefined leaves it to the worker. */
  readonly maxAttempts?: number;
  /** The one whose schema this is. */
  readonly version?: string;
  readonly tags: Record<string, string>;
  readonly input?: ResolvedWorkflowOptions['input'];
  readonly admission?: ResolvedWorkflowOptions['admission'];
  /** Defined elsewhere: whether it has a schema, limits or filters is not known. */
  readonly isForeign?: boolean;
  /** Subscriptions, of a workflow that this process defines. */
  readonly events?: readonly EventTrigger[];
}
