import type { WorkflowOptions } from '../engine/index.js';

/** What `@Workflow()` was told, with the name settled. */
export interface WorkflowMetadata {
  readonly name: string;
  readonly connection: string;
  readonly options: WorkflowOptions;
}
