export { rejectUnknownKeys } from '../core/checks/checks.js';
export { parsePositiveDuration } from '../core/checks/duration.js';
export type { StepsOf } from '../worker/worker-internals.js';
export { overrideSteps } from './override-steps.js';
export { type BusyItem, type NamespaceView, TestNamespace } from './test-namespace.js';
export { crashWorker, tellWorker } from './worker-controls.js';
