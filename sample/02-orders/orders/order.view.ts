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
  bank: { requests: Array<{ from: string; answer: string }>; charges: number; refunds: number };
  /** What happened elsewhere, in runs that the order's event has started and in compensations. */
  elsewhere: Array<{ system: LedgerEntry['system']; action: string; from: string }>;
}

export interface StepView {
  name: string;
  kind: StepRecord['kind'];
  status: StepRecord['status'];
  finishedAt?: string;
  wakesAt?: string;
}

/** What the order's own steps say already. */
const TOLD_BY_STEPS = ['stock reserved', 'shipped'];

export function toSummary({ id, status, createdAt, attempt, recoveries }: RunRecord): OrderSummary {
  return { id, status, placedAt: toIso(createdAt), attempt, recoveries };
}

export function toView(run: RunRecord, steps: StepRecord[], ledger: LedgerEntry[]): OrderView {
  const requests = ledger.filter(({ system }) => system === 'bank');
  const done = (action: string) => requests.filter((request) => request.action === action && !request.repeated).length;
  return {
    ...toSummary(run),
    order: run.input,
    result: run.output,
    error: run.error?.message,
    steps: steps.map(toStepView),
    bank: {
      requests: requests.map(({ from, action, repeated }) => ({ from, answer: repeated ? `already ${action}` : action })),
      charges: done('charged'),
      refunds: done('refunded'),
    },
    elsewhere: ledger
      .filter(({ system, action, repeated }) => !repeated && system !== 'bank' && !TOLD_BY_STEPS.includes(action))
      .map(({ system, action, from }) => ({ system, action, from })),
  };
}

function toStepView({ name, kind, status, finishedAt, wakeAt }: StepRecord): StepView {
  return { name, kind, status, finishedAt: toIso(finishedAt), wakesAt: toIso(wakeAt) };
}

function toIso<T extends number | undefined>(epochMs: T) {
  return (epochMs === undefined ? undefined : new Date(epochMs).toISOString()) as T extends number ? string : undefined;
}
