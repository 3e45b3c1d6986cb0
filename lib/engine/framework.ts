/**
 * What the layer for Nest needs of the engine beyond what `nestjs-redflow/engine` offers everybody. The package does not export it, so it
 * may change with any release.
 */
export { checkStepName } from './core/checks.js';
export { closeMatches } from './core/close-matches.js';
export { onePerProcess } from './core/copies.js';
export { checkErrorLists, type ErrorList, errorListOf } from './core/error-classes.js';
export { withOptionOwner } from './core/option-context.js';
export { REVIVE, type RevivingSchema } from './core/validate-input.js';
export { checkWorkerOptions } from './worker/resolve-worker-options.js';
export { methodStepsOf, runInputOf } from './worker/run-context.js';
export { startHostedWorker } from './worker/start-worker.js';
export type { StepsOf } from './worker/worker-internals.js';
