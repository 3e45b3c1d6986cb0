/**
 * What the layer for Nest needs of the engine beyond what `nestjs-redflow/engine` offers everybody. The package does not export it, so it
 * may change with any release.
 */
export { checkStepName } from './core/checks/checks.js';
export { closeMatches } from './core/checks/close-matches.js';
export { withOptionOwner } from './core/checks/option-context.js';
export { onePerProcess } from './core/copies.js';
export { checkErrorLists, type ErrorList, errorListOf } from './core/errors/error-classes.js';
export { REVIVE, type RevivingSchema } from './core/workflows/validate-input.js';
export { checkWorkerOptions } from './options/resolve-worker-options.js';
export { methodStepsOf, runInputOf } from './worker/pass/run-context.js';
export { startHostedWorker } from './worker/start-worker.js';
export type { StepsOf } from './worker/worker-internals.js';
