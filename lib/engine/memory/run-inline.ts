import type { ErrorClass } from '../core/api/values.types.js';
import { rejectUnknownKeys } from '../core/checks/checks.js';
import { describeValue } from '../core/checks/describe-value.js';
import { ErrorClasses } from '../core/errors/error-classes.js';
import { redflowErrorCode } from '../core/errors/error-codes.js';
import { InvalidOptionError, RunCanceledError } from '../core/errors/index.js';
import { newId } from '../core/ids.js';
import { fromStoredError } from '../core/payload/stored-error.js';
import { prepareRun } from '../creation/prepare-run.js';
import { WorkflowDirectory } from '../creation/workflow-directory.js';
import { DEFAULT_MAX_PAYLOAD_BYTES } from '../options/resolve-client-options.js';
import { CREATE_RUN, newRunFields } from '../redis/runs/create-run.js';
import { toStepRecords } from '../redis/steps/stored-step.js';
import type { AnyInlineWorkflow, DescribeInstance, InlineResult, RunInlineOptions } from './inline.types.js';
import { resolveInlineFields } from './inline-fields.js';
import type { InlineRun } from './inline-run.js';
import { InlineSteps } from './inline-steps.js';
import { InlineWorker } from './inline-worker.js';
import { checkWorkflow, InlineWorkflows } from './inline-workflows.js';
import { StepOverrides } from './step-overrides.js';

const OPTION_NAMES = [
  'input',
  'stepOverrides',
  'run',
  'event',
  'schedule',
  'signal',
  'patches',
  'children',
  'errors',
  'maxPayloadBytes',
  'logger',
] as const satisfies ReadonlyArray<keyof RunInlineOptions>;

const SILENT = { log() {}, warn() {}, error() {} };
const NO_METAS = { get: async () => null, names: async () => [], versionsOf: async () => [] };

/** What refuses an input before there is a run. */
const REFUSALS: ReadonlyArray<string | undefined> = ['INPUT_VALIDATION', 'SERIALIZATION', 'PAYLOAD_TOO_LARGE'];

/**
 * Executes a workflow in memory: see `runInline` of `nestjs-redflow/testing`.
 *
 * @param describe reads what the class of an instance says of the workflow
 * @param known error classes of the layers above
 */
export async function executeInline(
  workflow: AnyInlineWorkflow,
  options: RunInlineOptions,
  describe: DescribeInstance,
  known: readonly ErrorClass[],
): Promise<InlineResult> {
  rejectUnknownKeys(options, OPTION_NAMES, 'runInline()');
  const errors = ErrorClasses.none.with(known, 'nestjs-redflow').with(options.errors, 'the options of runInline()');
  const workflows = new InlineWorkflows(describe, errors);
  const { name } = workflows.add(checkWorkflow(workflow, 'workflow'));
  for (const child of options.children ?? []) workflows.add(checkWorkflow(child, 'children'));
  const overrides = new StepOverrides(options.stepOverrides ?? {});
  const id = options.run?.id ?? newId();
  const worker = inlineWorker(id, workflows, overrides, options);
  try {
    const run = await createRun(id, name, worker, options);
    await executeUntilAborted(worker, run, options.signal);
    if (run.fields.status === 's') overrides.refuseUncalled();
    return resultOf(run, overrides, workflows.get(name).errors);
  } catch (error) {
    if (error instanceof Error && REFUSALS.includes(redflowErrorCode(error))) return { succeeded: false, error, steps: [] };
    throw error;
  }
}

/** Overrides are for the steps of the run itself and those of its failure hook. */
function inlineWorker(
  id: string,
  workflows: InlineWorkflows,
  overrides: StepOverrides,
  { maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES, logger = SILENT }: RunInlineOptions,
): InlineWorker {
  const directory = new WorkflowDirectory(workflows.registry, NO_METAS, workflows.resolveClass);
  const worker: InlineWorker = new InlineWorker({
    logger,
    maxPayloadBytes,
    directory,
    served: (workflow) => workflows.get(workflow),
    stepsOf: (run, runtime) => {
      const own = run.id === id || run.fields.hookOf === id ? overrides : new StepOverrides({});
      const { refuse, sealer, store } = worker;
      const now = () => store.now();
      return new InlineSteps(run.id, runtime, own, { directory, workflows, maxPayloadBytes, sealer, now, refuse });
    },
  });
  return worker;
}

async function createRun(
  id: string,
  name: string,
  { directory, store, maxPayloadBytes }: InlineWorker,
  options: RunInlineOptions,
): Promise<InlineRun> {
  const { create, extra, envelope } = resolveInlineFields(options);
  const prepared = await prepareRun(await directory.find(name, false), options.input, create, maxPayloadBytes);
  const args = CREATE_RUN.read(CREATE_RUN(newRunFields(prepared)).args);
  const run = store.create(id, args, extra) as InlineRun;
  if (options.patches) run.data.set('pa', JSON.stringify(checkPatches(options.patches)));
  if (envelope) {
    run.data.set('ev', JSON.stringify(envelope));
    run.fields.eventId = envelope.id;
  }
  return run;
}

async function executeUntilAborted(worker: InlineWorker, run: InlineRun, signal: AbortSignal | undefined): Promise<void> {
  const cancel = () => worker.cancel(reasonOf(signal?.reason));
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel);
  try {
    await worker.execute(run);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

function resultOf({ record, storedData }: InlineRun, overrides: StepOverrides, errors: ErrorClasses): InlineResult {
  const { id, status, output, error, cancelReason } = record;
  const steps = toStepRecords(storedData).map((step) => overrides.labelled(step));
  if (status === 'succeeded') return { succeeded: true, output, steps, run: record };
  const failure = error ? fromStoredError(error, errors) : new RunCanceledError({ runId: id, reason: cancelReason });
  return { succeeded: false, error: failure, steps, run: record };
}

function checkPatches(patches: Readonly<Record<string, unknown>>): unknown {
  if (typeof patches !== 'object' || Array.isArray(patches)) {
    const expected = 'Expected `patches` to be an object of answers by patch id';
    throw new InvalidOptionError('patches', `${expected}; got ${describeValue(patches)}`);
  }
  for (const [id, answer] of Object.entries(patches)) {
    if (typeof answer === 'boolean') continue;
    const expected = `Expected the answer to patch "${id}" to be true or false`;
    throw new InvalidOptionError('patches', `${expected}; got ${describeValue(answer)}`);
  }
  return patches;
}

/** An abort without a reason of its own says nothing. */
function reasonOf(reason: unknown): string {
  if (typeof reason === 'string') return reason;
  return reason instanceof Error && reason.name !== 'AbortError' ? reason.message : '';
}
