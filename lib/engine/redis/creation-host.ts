import type { Sealer } from '../core/sealer.js';
import type { ContextCarrier } from '../core/values.types.js';
import type { WorkflowDirectory } from './workflow-directory.js';

/** What creating runs and events needs of the client or worker that does it. */
export interface CreationHost {
  readonly directory: WorkflowDirectory;
  readonly maxPayloadBytes: number;
  readonly sealer: Sealer;
  /** Carries the caller's context to the runs that it creates; none if the application has none to carry. */
  readonly context?: ContextCarrier;
}
