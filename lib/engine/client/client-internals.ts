import type { WorkflowRegistry } from '../core/workflow.types.js';
import type { ClassResolver } from '../redis/workflow-directory.js';

/** What a framework adds to a client. */
export interface ClientInternals {
  /** Finds the definition that a decorated class stands for. */
  readonly resolveClass?: ClassResolver;
  /** Workflows known in this process. @default the default registry */
  readonly registry?: WorkflowRegistry;
}
