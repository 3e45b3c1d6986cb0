import { RedflowError } from './engine/index.js';

/**
 * The application is put together wrongly: two workflows of one name, a workflow class without `run`, a connection nobody
 * configured. Thrown while the application boots; the message says where and what to change.
 */
export class RedflowSetupError extends RedflowError {
  readonly code = 'SETUP';
}
