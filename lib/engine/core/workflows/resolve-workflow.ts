import type { EventTrigger } from '../api/trigger.types.js';
import type { StandardSchemaV1 } from '../api/values.types.js';
import type { WorkflowOptions } from '../api/workflow.types.js';
import {
  checkFlag,
  checkName,
  checkPositiveInteger,
  checkPriority,
  checkTags,
  checkVersion,
  rejectUnknownKeys,
} from '../checks/checks.js';
import { describeValue } from '../checks/describe-value.js';
import { parsePositiveDuration } from '../checks/duration.js';
import { withOptionOwner } from '../checks/option-context.js';
import { ErrorClasses } from '../errors/error-classes.js';
import { InvalidOptionError } from '../errors/option.errors.js';
import { type ResolvedSchedule, resolveSchedules } from '../schedules/resolve-schedules.js';
import { ADMISSION_KEYS, type AdmissionRules, resolveAdmission } from './admission.js';
import { type Determinism, resolveDeterminism } from './determinism.js';
import { checkEventPattern } from './event-names.js';
import { type ResolvedRetryPolicy, resolveRetryPolicy } from './retry-policy.js';

export const DEFAULT_QUEUE = 'default';
const DEFAULT_PRIORITY = 0;
const DEFAULT_MAX_ATTEMPTS = 3;
const DEFAULT_ON_FAILURE_TIMEOUT = '10m';

const EVENT_TRIGGER_KEYS = ['name', 'if'];
const WORKFLOW_KEYS = [
  'queue',
  'maxAttempts',
  'retries',
  'timeout',
  'onFailureTimeout',
  'determinism',
  'determinismGrace',
  'maxConcurrency',
  ...ADMISSION_KEYS,
  'priority',
  'version',
  'current',
  'errors',
  'tags',
  'input',
  'event',
  'cron',
];

/** A workflow's options, checked once, with their defaults filled in. */
export interface ResolvedWorkflowOptions {
  readonly name: string;
  readonly queue: string;
  readonly retry: ResolvedRetryPolicy;
  readonly maxAttempts: number;
  /** Deadline of a run from its first start, in milliseconds; undefined is none. */
  readonly timeoutMs?: number;
  /** How long the failure hook may take at a time, in milliseconds. */
  readonly onFailureTimeoutMs: number;
  readonly determinism: Determinism;
  /** Most runs in execution at a time, over all workers; undefined is no limit. */
  readonly maxConcurrency?: number;
  /** Undefined for a workflow that has none. */
  readonly admission?: AdmissionRules;
  readonly priority: number;
  readonly version?: string;
  /** Whether it is marked as the version that new runs take. */
  readonly current: boolean;
  /** Those it lists itself. */
  readonly errors?: WorkflowOptions['errors'];
  readonly tags: Readonly<Record<string, string>>;
  readonly input?: StandardSchemaV1;
  /** Subscriptions. */
  readonly events: readonly EventTrigger[];
  readonly schedules: readonly ResolvedSchedule[];
}

/**
 * Checks a workflow's options, fills in their defaults and freezes the result.
 *
 * @throws InvalidOptionError naming the workflow, the option and what would be right
 */
export function resolveWorkflowOptions<I>(name: string, options: WorkflowOptions<I>): ResolvedWorkflowOptions {
  checkName(name, 'workflow');
  const where = `workflow "${name}"`;
  rejectUnknownKeys(options, WORKFLOW_KEYS, where);
  const retry = resolveRetryPolicy(options, DEFAULT_MAX_ATTEMPTS, where);
  ErrorClasses.none.with(options.errors, where);
  return withOptionOwner(where, () =>
    Object.freeze({
      name,
      queue: checkName(options.queue ?? DEFAULT_QUEUE, 'queue'),
      retry,
      maxAttempts: retry.maxAttempts,
      timeoutMs: options.timeout === undefined ? undefined : parsePositiveDuration(options.timeout, 'timeout'),
      onFailureTimeoutMs: parsePositiveDuration(options.onFailureTimeout ?? DEFAULT_ON_FAILURE_TIMEOUT, 'onFailureTimeout'),
      determinism: resolveDeterminism(options.determinism, options.determinismGrace),
      maxConcurrency:
        options.maxConcurrency === undefined ? undefined : checkPositiveInteger(options.maxConcurrency, 'maxConcurrency'),
      admission: resolveAdmission(options as WorkflowOptions),
      priority: checkPriority(options.priority ?? DEFAULT_PRIORITY),
      version: options.version === undefined ? undefined : checkVersion(options.version),
      current: options.current === undefined ? false : checkFlag(options.current, 'current'),
      errors: options.errors,
      tags: Object.freeze(checkTags(options.tags ?? {})),
      input: options.input === undefined ? undefined : checkSchema(options.input),
      events: Object.freeze(checkEventTriggers(options.event ?? [])),
      schedules: Object.freeze(resolveSchedules(name, options.cron ?? [])),
    }),
  );
}

function checkEventTriggers(triggers: unknown): EventTrigger[] {
  if (!Array.isArray(triggers)) {
    throw new InvalidOptionError(
      'event',
      `Expected \`event\` to be a list of triggers, [{ name: 'order.created' }]; got ${describeValue(triggers)}`,
    );
  }
  return triggers.map((trigger: EventTrigger) => {
    rejectUnknownKeys(trigger, EVENT_TRIGGER_KEYS, '`event`');
    const { name, if: filter } = trigger;
    if (filter !== undefined && typeof filter !== 'function') {
      throw new InvalidOptionError(
        'event.if',
        `Expected \`if\` of event "${name}" to be a function; got ${describeValue(filter)}`,
      );
    }
    return Object.freeze({ name: checkEventPattern(name), ...(filter && { if: filter }) });
  });
}

function checkSchema(input: unknown): StandardSchemaV1 {
  if (isStandardSchema(input)) return input;
  const problem =
    typeof input === 'function'
      ? 'Expected `input` to be a Standard Schema (zod, valibot, arktype); got a class. DTO classes need the Nest module: ' +
        'put them on a class with @Workflow()'
      : `Expected \`input\` to be a Standard Schema (zod, valibot, arktype); got ${describeValue(input)}`;
  throw new InvalidOptionError('input', problem);
}

/** A schema may be a function (arktype) as well as an object. */
function isStandardSchema(input: unknown): input is StandardSchemaV1 {
  if ((typeof input !== 'object' && typeof input !== 'function') || input === null) return false;
  const standard = (input as Partial<StandardSchemaV1>)['~standard'];
  return typeof standard === 'object' && standard !== null && typeof standard.validate === 'function';
}
