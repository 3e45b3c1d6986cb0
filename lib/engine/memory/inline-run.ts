import type { RunRecord } from '../core/api/run.types.js';
import type { ClaimedRun } from '../redis/runs/claim-runs.js';
import { type RawFields, type StoredRun, toRunRecord, toStoredRun } from '../redis/runs/stored-run.js';
import { askedText, parseRunData, parseStep, type RunData, type StoredStep } from '../redis/steps/stored-step.js';

/** A wait for the end of a run: a step of another one, or a branch of it. */
export interface EndWait {
  readonly run: InlineRun;
  readonly step: string;
  readonly branch: string;
}

/** One run in memory, in the fields and texts that Redis would hold: so passes and queries read it the same way. */
export class InlineRun {
  /** Payloads by field, as in the `data:` hash. */
  readonly data = new Map<string, string>();
  readonly endWaits: EndWait[] = [];
  /** When a run that rests goes on. */
  dueAt: number | undefined;
  /** Nothing but its deadline ends the rest. */
  isOpenEnded = false;
  private passes = 0;

  constructor(
    readonly id: string,
    readonly fields: RawFields,
  ) {}

  get isRunning(): boolean {
    return this.fields.status === 'r';
  }

  get hasEnded(): boolean {
    return 'sfc'.includes(this.fields.status as string);
  }

  /** It was canceled while a pass of it ran, which is told so and ends it. */
  get isToBeCanceled(): boolean {
    return this.fields.cancelRequestedAt !== undefined && this.fields.unwinding === undefined;
  }

  get stored(): StoredRun {
    return toStoredRun(this.id, this.fields);
  }

  get storedData(): RunData {
    return parseRunData([...this.data].flat());
  }

  get record(): RunRecord {
    const payload = (field: string) => this.data.get(field) ?? null;
    return toRunRecord(this.id, this.fields, [
      payload('i'),
      payload('o'),
      payload('e'),
      payload('cx'),
      payload('ce'),
      payload('fe'),
      payload('pa'),
      payload('bk'),
      payload('ua'),
    ]);
  }

  claim(now: number): ClaimedRun {
    this.fields.status = 'r';
    const hasBegun = this.fields.startedAt !== undefined;
    this.fields.startedAt ??= String(now);
    this.dueAt = undefined;
    return { run: this.stored, fence: String(++this.passes), suspectGroup: 0, position: '0', hasBegun, data: this.storedData };
  }

  step(name: string): StoredStep | undefined {
    const text = this.data.get(`s:${name}`);
    return text === undefined ? undefined : parseStep(text);
  }

  writeStep(name: string, step: Omit<StoredStep, 'attempt' | 'base'>): void {
    const { kind, status, order, asked, startedAt, moment, payload } = step;
    this.data.set(`s:${name}`, `${kind},${status},${order},1,0${askedText(asked)},${startedAt},${moment};${payload}`);
  }

  failedOnce(): void {
    this.fields.failures = String(this.stored.failures + 1);
  }
}
