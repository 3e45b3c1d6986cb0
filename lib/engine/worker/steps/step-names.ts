import { DuplicateStepError, StepMismatchError } from '../../core/errors/index.js';
import { STEP_KINDS } from '../../redis/steps/step-codes.js';
import type { RunData } from '../../redis/steps/stored-step.js';
import type { AskedStep } from './pass-journal.js';
import type { StepHost } from './step-host.js';

/** Begins the names of steps that undo others. */
export const COMPENSATE = 'compensate:';

interface NamesHost {
  readonly runId: string;
  readonly data: RunData;
  /** How many outcomes the handler has got. */
  readonly delivered: number;
}

/** The names that a pass has used, each with how many outcomes the handler had when it asked for the step: see `StoredStep`. */
export class StepNames {
  private readonly used = new Map<string, number | undefined>();

  constructor(
    private readonly host: NamesHost,
    private readonly pass: Pick<StepHost, 'hasLooked'>,
  ) {}

  has(step: string): boolean {
    return this.used.has(step);
  }

  /** The run has done, or begun, what this pass has not come to yet. */
  get hasUnasked(): boolean {
    const { steps, progress } = this.host.data;
    for (const names of [steps.keys(), progress.keys()]) for (const name of names) if (!this.used.has(name)) return true;
    return false;
  }

  /** What is stored of a step as the place where the handler asked for it. */
  askedFor(step: string): number | undefined {
    return this.used.has(step) ? this.used.get(step) : this.host.data.steps.get(step)?.asked;
  }

  askedStep(step: string): AskedStep {
    return { step, asked: this.askedFor(step) };
  }

  /** @throws DuplicateStepError */
  reserve(name: string): void {
    const { runId, delivered } = this.host;
    if (this.used.has(name)) throw new DuplicateStepError({ runId, step: name });
    this.used.set(name, this.pass.hasLooked ? undefined : delivered);
  }

  /** @throws InvalidOptionError, DuplicateStepError, StepMismatchError */
  take(name: string, kind: string): void {
    this.reserve(name);
    const { runId, data } = this.host;
    const stored = data.steps.get(name);
    if (stored && STEP_KINDS[stored.kind] !== STEP_KINDS[kind]) {
      throw new StepMismatchError({ runId, step: name, stored: STEP_KINDS[stored.kind], called: STEP_KINDS[kind] });
    }
  }
}
