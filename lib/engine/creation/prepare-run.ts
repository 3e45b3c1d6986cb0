import type { CreateOptions } from '../core/api/client.types.js';
import {
  checkIdempotencyKey,
  checkMaxAttempts,
  checkName,
  checkPriority,
  checkRunId,
  checkTags,
  checkVersion,
  rejectUnknownKeys,
} from '../core/checks/checks.js';
import { parsePositiveDuration, parseWhen } from '../core/checks/duration.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { newId } from '../core/ids.js';
import { decodePayload, encodePayload } from '../core/payload/payload.js';
import { admissionOf } from '../core/workflows/admission.js';
import type { RunTarget } from '../core/workflows/run-target.js';
import { validateInput } from '../core/workflows/validate-input.js';
import type { NewRun } from '../redis/runs/create-run.js';

const CREATE_OPTION_NAMES = [
  'runId',
  'runAt',
  'queue',
  'idempotencyKey',
  'idempotencyTtl',
  'onConflict',
  'allowUnknown',
  'priority',
  'tags',
  'maxAttempts',
  'version',
] as const satisfies ReadonlyArray<keyof CreateOptions>;

const DEFAULT_IDEMPOTENCY_TTL_MS = 24 * 3_600_000;
const NO_DELAY = { delayMs: 0 };

/**
 * Checks and encodes all that a create needs, before anything is written.
 * @throws InvalidOptionError, InputValidationError, SerializationError, PayloadTooLargeError
 */
export async function prepareRun(
  target: RunTarget,
  input: unknown,
  options: CreateOptions,
  maxPayloadBytes: number,
): Promise<NewRun> {
  checkOptions(options);
  const { workflow, admission } = target;
  if (admission?.debounce) refuseWithDebounce(options, workflow);
  const validated = target.input && (await validateInput(target.input, input, workflow));
  const encoded = encodePayload(input, `input of workflow "${workflow}"`, maxPayloadBytes);
  return {
    id: options.runId ?? newId(),
    nonce: options.runId === undefined ? '' : newId(),
    workflow,
    queue: options.queue ?? target.queue,
    priority: options.priority ?? target.priority,
    maxAttempts: options.maxAttempts ?? target.maxAttempts,
    version: options.version,
    judgedByVersion: target.version,
    tags: mergedTags(target.tags, options.tags),
    start: options.runAt === undefined ? NO_DELAY : parseWhen(options.runAt, 'runAt'),
    idempotencyKey: options.idempotencyKey,
    idempotencyTtlMs:
      options.idempotencyTtl === undefined
        ? DEFAULT_IDEMPOTENCY_TTL_MS
        : Math.ceil(parsePositiveDuration(options.idempotencyTtl, 'idempotencyTtl')),
    input: encoded,
    isForeign: target.isForeign,
    admission: admission && admissionOf(admission, target.input ? validated : decodePayload(encoded), workflow),
  };
}

function checkOptions(options: CreateOptions): void {
  rejectUnknownKeys(options, CREATE_OPTION_NAMES, 'run options');
  const { runId, queue, idempotencyKey, priority, tags, maxAttempts, onConflict, version } = options;
  if (runId !== undefined) checkRunId(runId);
  if (queue !== undefined) checkName(queue, 'queue');
  if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey);
  if (priority !== undefined) checkPriority(priority);
  if (tags !== undefined) checkTags(tags);
  if (maxAttempts !== undefined) checkMaxAttempts(maxAttempts);
  if (version !== undefined) checkVersion(version);
  if (onConflict !== undefined && onConflict !== 'return' && onConflict !== 'error') {
    throw new InvalidOptionError('onConflict', `Expected \`onConflict\` to be 'return' or 'error'; got '${onConflict}'`);
  }
}

/** When a debounced run starts, and as which run, is up to all of its creates together. */
function refuseWithDebounce(options: CreateOptions, workflow: string): void {
  const option = (['runId', 'runAt', 'version'] as const).find((name) => options[name] !== undefined);
  if (option === undefined) return;
  throw new InvalidOptionError(
    option,
    `Workflow "${workflow}" is debounced, so its creates can not have \`${option}\`: leave it out`,
  );
}

/** The limit counts what the workflow and the call give together. */
function mergedTags(ofWorkflow: Record<string, string>, ofCall: Record<string, string> | undefined): Record<string, string> {
  if (!ofCall) return ofWorkflow;
  const merged = { ...ofWorkflow, ...ofCall };
  checkTags(merged);
  return merged;
}
