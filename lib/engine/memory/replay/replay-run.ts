import type { RunRecord, StoredError } from '../../core/api/run.types.js';
import type { ErrorClass } from '../../core/api/values.types.js';
import { rejectUnknownKeys } from '../../core/checks/checks.js';
import { parseDuration } from '../../core/checks/duration.js';
import { ErrorClasses } from '../../core/errors/error-classes.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import { composeInterceptors } from '../../core/interceptors.js';
import { decodePayload } from '../../core/payload/payload.js';
import { fromStoredError } from '../../core/payload/stored-error.js';
import { NOT_WATCHED } from '../../core/workflows/determinism.js';
import { WorkflowDirectory } from '../../creation/workflow-directory.js';
import { DEFAULT_MAX_PAYLOAD_BYTES } from '../../options/resolve-client-options.js';
import type { RawFields } from '../../redis/runs/stored-run.js';
import type { ServedWorkflow } from '../../worker/pass/pass-host.js';
import type { AnyInlineWorkflow, DescribeInstance } from '../inline.types.js';
import { InlineRun } from '../inline-run.js';
import { checkWorkflow, InlineWorkflows } from '../inline-workflows.js';
import { checkExportedRun } from './check-exported-run.js';
import { RecordedSteps } from './recorded-steps.js';
import type { ReplayOptions, ReplayResult } from './replay.types.js';
import { ReplayDepartedError } from './replay-departed.error.js';
import { departuresOf, type ReplayEnd } from './replay-departures.js';
import { ReplaySteps } from './replay-steps.js';
import { ReplayTrace } from './replay-trace.js';
import { ReplayWorker } from './replay-worker.js';

const OPTION_NAMES = ['grace', 'context', 'interceptors', 'errors', 'maxPayloadBytes', 'logger'] as const satisfies ReadonlyArray<
  keyof ReplayOptions
>;
const DEFAULT_GRACE = '1s';
const SILENT = { log() {}, warn() {}, error() {} };
const NO_METAS = { get: async () => null, names: async () => [], versionsOf: async () => [] };

/**
 * Replays an exported run in memory: see `replayRun` of `nestjs-redflow/testing`.
 *
 * @param describe reads what the class of an instance says of the workflow
 * @param known error classes of the layers above
 */
export async function executeReplay(
  workflow: AnyInlineWorkflow,
  given: unknown,
  options: ReplayOptions,
  describe: DescribeInstance,
  known: readonly ErrorClass[],
): Promise<ReplayResult> {
  rejectUnknownKeys(options, OPTION_NAMES, 'replayRun()');
  const { grace = DEFAULT_GRACE, context, maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES, logger = SILENT } = options;
  const graceMs = parseDuration(grace, 'grace');
  const interceptors = composeInterceptors(options.interceptors, context);
  const { exported, data } = checkExportedRun(given);
  const { run } = exported;
  const errors = ErrorClasses.none.with(known, 'nestjs-redflow').with(options.errors, 'the options of replayRun()');
  const workflows = new InlineWorkflows(describe, errors);
  const { name } = workflows.add(checkWorkflow(workflow, 'workflow'));
  if (name !== run.workflow) {
    const message = `Expected \`exported\` to be a run of workflow "${name}", which is replayed; run "${run.id}" is one of "${run.workflow}"`;
    throw new InvalidOptionError('exported', message);
  }
  const replayed = new InlineRun(run.id, fieldsOf(run));
  for (const [field, text] of data) replayed.data.set(field, text);
  const trace = new ReplayTrace(new RecordedSteps(replayed.storedData), run.status === 'failed');
  const patches = run.status === 'succeeded' ? new Set(Object.keys(run.patches ?? {})) : undefined;
  const directory = new WorkflowDirectory(workflows.registry, NO_METAS, workflows.resolveClass);
  const worker = new ReplayWorker({
    ...{ logger, maxPayloadBytes, directory, trace, graceMs, interceptors },
    served: (served) => unwatched(workflows.get(served)),
    stepsOf: (_run, runtime) => {
      trace.hasLooked = () => runtime.ledger.host.hasLooked;
      return new ReplaySteps(runtime, trace, patches);
    },
  });
  worker.store.runs.set(run.id, replayed);
  worker.store.queue(replayed);
  await worker.execute(replayed);
  return resultOf(run, trace, endOf(replayed), workflows.get(name).errors);
}

/** Without its start: a deadline counts from the replay on. */
function fieldsOf(run: RunRecord): RawFields {
  const optional = { scheduledFor: run.scheduledFor === undefined ? undefined : String(run.scheduledFor) };
  return {
    ...optional,
    workflow: run.workflow,
    queue: run.queue,
    priority: String(run.priority),
    failures: String(run.attempt - 1),
    maxAttempts: String(run.maxAttempts),
    stamp: String(run.createdAt * 1_000),
    tags: JSON.stringify(run.tags),
    version: run.version,
    trigger: run.trigger,
    parentRunId: run.parentRunId,
    parentStep: run.parentStep,
    rootRunId: run.rootRunId,
    eventId: run.eventId,
    scheduleId: run.scheduleId,
    idempotencyKey: run.idempotencyKey,
  };
}

function endOf({ fields, data }: InlineRun): ReplayEnd {
  if (fields.status === 's') return { reached: 'succeeded', output: data.get('o') ?? '' };
  const error = data.get('e');
  if (error === undefined) return { reached: 'waiting' };
  return { reached: 'failed', error: decodePayload(error) as StoredError };
}

function resultOf(run: RunRecord, trace: ReplayTrace, end: ReplayEnd, errors: ErrorClasses): ReplayResult {
  const departures = departuresOf(run, trace, end);
  return {
    status: departures.length > 0 ? 'departed' : 'same',
    departures,
    reached: end.reached,
    asked: trace.asked,
    ...(end.reached === 'succeeded' && { output: decodePayload(end.output) }),
    ...(end.reached === 'failed' && { error: fromStoredError(end.error, errors) }),
    throwIfDeparted() {
      if (departures.length > 0) throw new ReplayDepartedError({ runId: run.id, workflow: run.workflow, departures });
    },
  };
}

/** Departures are what a replay is made to tell of: none of them holds it up. */
function unwatched(served: ServedWorkflow): ServedWorkflow {
  return { ...served, options: { ...served.options, determinism: NOT_WATCHED } };
}
