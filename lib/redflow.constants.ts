/** The connection of a module or workflow that names none. */
export const DEFAULT_CONNECTION = 'default';

/** What `@Workflow()` leaves on a class. */
export const WORKFLOW_METADATA = 'redflow:workflow';

/** What `@OnEvent()` and `@OnCron()` leave on a class or method: a list, in the order in which they are written. */
export const TRIGGERS_METADATA = 'redflow:triggers';

/** What `@OnFailure()` leaves on a method. */
export const FAILURE_HOOK_METADATA = 'redflow:failure-hook';

/** What `@Step()` leaves on a method. */
export const STEP_METADATA = 'redflow:step';

// Global symbols: a second copy of the package in the application must not pass for another library, whose module serves the same workflows.

/** Injects the name of the connection into the providers of one `RedflowModule`; also how the explorer finds all of them. */
export const REDFLOW_CONNECTION_NAME = Symbol.for('nestjs-redflow:connection-name');

/** Injects the checked options of one `RedflowModule`. */
export const REDFLOW_RESOLVED_OPTIONS = Symbol.for('nestjs-redflow:resolved-options');

/** Injects what takes the connections over for a test; only `RedflowTestingModule` provides it. */
export const REDFLOW_TEST_SEAM = Symbol.for('nestjs-redflow:test-seam');
