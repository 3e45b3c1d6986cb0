export type { AnyInlineWorkflow, InlineResult, InlineRunFields, RunInlineOptions, WorkflowInstance } from './inline.types.js';
export { executeInline } from './run-inline.js';
