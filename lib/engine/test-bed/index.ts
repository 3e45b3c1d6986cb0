export { parsePositiveDuration } from '../core/duration.js';
export { type BusyItem, type NamespaceView, TestNamespace } from './test-namespace.js';
export { crashWorker, tellWorker } from './worker-controls.js';
