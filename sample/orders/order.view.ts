import type { RunRecord, RunStatus, StepRecord } from 'nestjs-redflow';
import type { LedgerEntry } from '../outside/ledger.js';

export interface OrderSummary {
  id: string;
  status: RunStatus;
  placedAt: string;
  /** 1 + the failures so far. */
  attempt: number;
  /** How often the run was taken over from a worker that died. */
  recoveries: number;
}

export interface OrderView extends OrderSummary {
  order: unknown;
  result?: unknown;
  error?: string;
  steps: StepView[];
  /** What the bank says: how often it was asked, and how often money moved. */
  bank: { requests: Array<{ from: string; answer: 'charged' | 'already charged' }>; charges: number };
}

export interface StepView {
  name: string;
  kind: StepRecord['kind'];
  status: StepRecord['status'];
  finishedAt?: string;
  wakesAt?: string;
}

export function toSummary({ id, status, createdAt, attempt, recoveries }: RunRecord): OrderSummary {
  return { id, status, placedAt: toIso(createdAt), attempt, recoveries };
}

export function toView(run: RunRecord, steps: StepRecord[], ledger: LedgerEntry[]): OrderView {
  const requests = ledger.filter(({ system }) => system === 'bank');
  return {
    ...toSummary(run),
    order: run.input,
    result: run.output,
    error: run.error?.message,
    steps: steps.map(toStepView),
    bank: {
      requests: requests.map(({ from, repeated }) => ({ from, answer: repeated ? 'already charged' : 'charged' })),
      charges: requests.filter(({ repeated }) => !repeated).length,
    },
  };
}

function toStepView({ name, kind, status, finishedAt, wakeAt }: StepRecord): StepView {
  return { name, kind, status, finishedAt: toIso(finishedAt), wakesAt: toIso(wakeAt) };
}

function toIso<T extends number | undefined>(epochMs: T) {
  return (epochMs === undefined ? undefined : new Date(epochMs).toISOString()) as T extends number ? string : undefined;
}
