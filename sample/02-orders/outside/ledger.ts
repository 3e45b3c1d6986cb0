import { randomUUID } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';

export type OutsideSystem = 'bank' | 'warehouse' | 'carrier' | 'mail' | 'analytics';

/** One request that reached an outside system. */
export interface LedgerEntry {
  system: OutsideSystem;
  /** What it was asked to do. */
  action: string;
  orderId: string;
  idempotencyKey: string;
  /** The worker that asked. */
  from: string;
  receipt: string;
  /** The key was seen before: nothing was done again, the first receipt was answered. */
  repeated: boolean;
}

/**
 * The books of the outside systems. They are no part of redflow: a bank keeps its own records, and they outlive any worker
 * of ours. Here they are a file to which every request appends one line; the first line of an idempotency key counts.
 */
@Injectable()
export class Ledger {
  private readonly file = process.env.SAMPLE_LEDGER ?? 'sample-ledger.jsonl';
  private readonly from = process.env.SAMPLE_WORKER ?? `process ${process.pid}`;

  /** Carries a request out, or answers it like the first of its key. */
  async book(request: Pick<LedgerEntry, 'system' | 'action' | 'orderId' | 'idempotencyKey'>): Promise<LedgerEntry> {
    const receipt = randomUUID();
    await appendFile(this.file, `${JSON.stringify({ ...request, from: this.from, receipt })}\n`);
    const entries = await this.requestsOf(request.orderId);
    const own = entries.findIndex((entry) => entry.receipt === receipt);
    return { ...entries[own], receipt: firstOf(entries, entries[own]).receipt };
  }

  /** Every request about an order, oldest first. */
  async requestsOf(orderId: string): Promise<LedgerEntry[]> {
    const lines = (await readFile(this.file, { encoding: 'utf8', flag: 'a+' })).split('\n').filter((line) => line !== '');
    const entries = lines.map((line) => JSON.parse(line) as LedgerEntry).filter((entry) => entry.orderId === orderId);
    return entries.map((entry) => ({ ...entry, repeated: firstOf(entries, entry) !== entry }));
  }
}

function firstOf(entries: LedgerEntry[], { system, idempotencyKey }: LedgerEntry): LedgerEntry {
  return entries.find((entry) => entry.system === system && entry.idempotencyKey === idempotencyKey) as LedgerEntry;
}
