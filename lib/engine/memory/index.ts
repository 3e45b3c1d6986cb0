export type { AnyInlineWorkflow, InlineResult, InlineRunFields, RunInlineOptions, WorkflowInstance } from './inline.types.js';
export type { ReplayDeparture, ReplayOptions, ReplayResult } from './replay/replay.types.js';
export { ReplayDepartedError } from './replay/replay-departed.error.js';
export { executeReplay } from './replay/replay-run.js';
export { executeInline } from './run-inline.js';
