import type { LoggerPort } from '../core/api/values.types.js';
import type { Interceptors } from '../core/interceptors.js';
import type { Sealer } from '../core/payload/sealer.js';
import type { WorkflowDirectory } from './workflow-directory.js';

/** What creating runs and events needs of the client or worker that does it. */
export interface CreationContext {
  readonly directory: WorkflowDirectory;
  readonly maxPayloadBytes: number;
  readonly sealer: Sealer;
  readonly interceptors: Interceptors;
  readonly logger: LoggerPort;
}
