import type { StandardSchemaV1 } from '../../core/api/values.types.js';
import type { WorkflowContext } from '../../core/api/workflow.types.js';
import { isInputRefusal } from '../../core/errors/error-codes.js';
import { sameJson } from '../../core/payload/json-equal.js';
import { decodePayload, encodePayload } from '../../core/payload/payload.js';
import { describeError } from '../../core/payload/stored-error.js';
import { reviveInput, validateInput } from '../../core/workflows/validate-input.js';
import type { KeptInput } from '../../redis/run-data/keep-input.js';
import type { StoredRun } from '../../redis/runs/stored-run.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import type { PassJournal } from '../steps/pass-journal.js';
import type { StepWorker } from '../steps/step-host.js';

/** What is needed of the pass. */
export interface PassWithInput {
  readonly run: StoredRun;
  readonly data: RunData;
  readonly journal: PassJournal;
  readonly worker: Pick<StepWorker, 'sealer' | 'maxPayloadBytes'>;
}

/** Puts JSON back into the form that the handler expects. */
type Revive = (json: unknown) => unknown;

interface Stage {
  readonly field: KeptInput;
  /** As warnings name it. */
  readonly by: string;
  /** What an earlier pass has kept of it. */
  readonly kept: string | undefined;
  readonly revive: Revive;
  /** Whether what it throws fails the attempt. */
  counts(error: unknown): boolean;
}

/** Whether anything durable of a run's handler is stored: from then on nothing that stands before the handler may refuse the run. */
export function hasBegun({ unwinding }: Pick<StoredRun, 'unwinding'>, data: RunData): boolean {
  const { steps, progress, children, point, patches } = data;
  const isMarked = unwinding !== undefined || point !== undefined || patches !== undefined;
  return isMarked || steps.size > 0 || progress.size > 0 || children.size > 0;
}

/** Whether the input of a pass may be another value than the one that its run was created with. */
export function isShaped({ run, data }: PassWithInput, schema: StandardSchemaV1 | undefined): boolean {
  // A failure hook has no input of its own, only what is kept of that of the failed run.
  return schema !== undefined || (data.bySchema !== undefined && run.hookOf === undefined);
}

/**
 * The input of a run on its way to the handler, through the schema of the workflow and then through its pipes.
 *
 * It is judged once, by the creator or in the first pass. Later passes transform the stored input again, so that the handler gets
 * instances and dates; where that fails, or makes other JSON of it than in the first pass, they go on with the JSON of the first pass.
 * So a deploy, or a schema that looks at a clock, changes nothing for a run that has begun. See docs/decisions/0034.
 */
export class RunInput {
  /** What comes into the next stage. */
  private json: string;
  private reviveBySchema: Revive = (json) => json;
  private hasWarned = false;

  constructor(
    private readonly pass: PassWithInput,
    private readonly context: WorkflowContext,
  ) {
    this.json = pass.data.input;
  }

  /** Guards and the like are asked until something of the run is stored. */
  get isSettled(): boolean {
    return hasBegun(this.pass.run, this.pass.data);
  }

  /** @throws what the schema throws at an input that nobody has judged yet */
  throughSchema(schema: StandardSchemaV1 | undefined): Promise<unknown> {
    const { run, data } = this.pass;
    const { workflow } = run;
    this.reviveBySchema = (json) => reviveInput(schema, json);
    // A schedule's input is given in code, and nobody looks at it when a tick creates the run.
    // Nor has it been judged by this version if another one was current when it was created.
    const isJudged = !run.unadmitted && !run.unjudged && run.scheduleId === undefined && run.judgedByVersion === run.version;
    return this.through(
      {
        field: 'is',
        by: `The schema of workflow "${workflow}"`,
        kept: data.bySchema,
        revive: this.reviveBySchema,
        counts: (error) => !this.isSettled && data.bySchema === undefined && !(isJudged && isInputRefusal(error)),
      },
      decodePayload(this.json),
      async (input) => (schema ? validateInput(schema, input, workflow) : input),
    );
  }

  /**
   * @param revive makes an instance of the JSON, if the pipes do
   * @throws what a pipe throws while it is still asked
   */
  throughPipes(input: unknown, transform: (input: unknown) => Promise<unknown>, revive = this.reviveBySchema): Promise<unknown> {
    const by = `A pipe of workflow "${this.pass.run.workflow}"`;
    const stage: Stage = { field: 'ip', by, kept: this.pass.data.byPipes, revive, counts: () => !this.isSettled };
    return this.through(stage, input, transform);
  }

  private async through(stage: Stage, given: unknown, transform: (input: unknown) => Promise<unknown>): Promise<unknown> {
    const { kept, revive } = stage;
    const expected = kept ?? (this.isSettled ? this.json : undefined);
    let made: unknown;
    try {
      made = await transform(given);
    } catch (error) {
      if (stage.counts(error)) throw error;
      this.warn(`${stage.by} refuses the input of a run that it was accepted for before: ${describeError(error)}`);
      return this.goOnWith(kept ?? this.json, revive);
    }
    const json = jsonOf(made, this.pass.worker.maxPayloadBytes);
    if (json === undefined) return made;
    if (expected !== undefined && !sameJson(expected, json)) {
      this.warn(`${stage.by} makes something else of the input than it did in the first pass of the run.`);
      return this.goOnWith(expected, revive);
    }
    if (expected === undefined && !sameJson(this.json, json)) await this.keep(stage.field, json);
    this.json = expected ?? json;
    return made;
  }

  private goOnWith(json: string, revive: Revive): unknown {
    this.json = json;
    return revive(decodePayload(json));
  }

  private async keep(field: KeptInput, json: string): Promise<void> {
    const { worker, journal, run } = this.pass;
    journal.keepInput(field, await worker.sealer.seal(json, `input of run "${run.id}"`));
  }

  private warn(what: string): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    this.context.logger.warn(`${what} The run goes on with the input as it was then.`);
  }
}

/** The input of a failed run as its handler got it; as it is stored, if that is what the run has failed with. */
export async function inputOfFailed(
  { bySchema, byPipes }: RunData,
  { input, workflow }: { readonly input: unknown; readonly workflow: string },
  schema: StandardSchemaV1 | undefined,
): Promise<unknown> {
  const kept = byPipes ?? bySchema;
  const made = schema ? await validateInput(schema, input, workflow).catch(() => input) : input;
  if (kept === undefined) return made;
  const json = jsonOf(made, Number.POSITIVE_INFINITY);
  return json !== undefined && sameJson(json, kept) ? made : reviveInput(schema, decodePayload(kept));
}

/** Undefined for what cannot be stored, as a BigInt or too much: nothing is kept of it, and nothing compared. */
function jsonOf(value: unknown, maxPayloadBytes: number): string | undefined {
  try {
    return encodePayload(value, '', maxPayloadBytes);
  } catch {
    return undefined;
  }
}
