import type { StoredStep } from '../../redis/steps/stored-step.js';
import type { StepWrite } from './pass-journal.js';
import type { StepLedger } from './step-ledger.js';

export type Outcome = Pick<StoredStep, 'status' | 'payload'>;

/** What one operation reads: a run may wait for thousands of things. */
const NAMES_PER_READ = 500;

/** A wait that something outside the run may end: the end of a child, an event. */
export interface RemoteWait {
  readonly name: string;
  readonly kind: 'c' | 'e' | 'a';
  /** Redis time of its timeout. */
  readonly wakeAt?: number;
  /** What is stored when the time runs out first. */
  readonly timedOut: () => Pick<StepWrite, 'status' | 'payload'>;
  /** Hands the outcome to the handler. */
  readonly settle: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** The waits of a pass that end from outside; the outcome is written to the step's record by whoever ends it. */
export class RemoteWaits {
  private readonly open = new Map<string, RemoteWait & { readonly since: number }>();
  private hinted = false;

  constructor(private readonly ledger: StepLedger) {}

  add(wait: RemoteWait): void {
    const since = this.ledger.data.steps.get(wait.name)?.startedAt ?? this.ledger.host.worker.clock.now();
    const opened = { ...wait, since };
    this.open.set(wait.name, opened);
    this.ledger.wait({
      name: wait.name,
      wakeAt: wait.wakeAt,
      fire: () => this.timeOut(opened),
      abandon: (error) => this.abandon(opened, error),
    });
    if (!this.hinted) return;
    this.hinted = false;
    void this.refresh();
  }

  /** Something has come for the run. It may be for a wait whose registration is still on its way back. */
  look(): void {
    this.hinted = this.ledger.activity.isOpening;
    void this.refresh();
  }

  /** Looks for outcomes that have arrived meanwhile. */
  async refresh(): Promise<void> {
    const names = [...this.open.keys()];
    if (names.length === 0 || this.ledger.closed) return;
    const pages: string[][] = [];
    for (let at = 0; at < names.length; at += NAMES_PER_READ) pages.push(names.slice(at, at + NAMES_PER_READ));
    const { journal } = this.ledger.host;
    const records = (await Promise.all(pages.map((page) => journal.readSteps(page)))).flat();
    names.forEach((name, index) => {
      const record = records[index];
      const wait = this.open.get(name);
      if (wait && record && (record.status === 'd' || record.status === 'k')) this.adopt(wait, record);
    });
  }

  private abandon({ name, reject }: RemoteWait, error: Error): void {
    this.open.delete(name);
    reject(error);
  }

  private adopt(wait: RemoteWait, outcome: StoredStep): void {
    if (this.ledger.closed) return;
    const order = this.close(wait);
    this.ledger.host.journal.adoptOutcome(this.ledger.names.askedStep(wait.name), order);
    this.ledger.deliver(order, () => wait.settle(outcome));
  }

  /** Others may have been faster: only what the script accepts is told to the handler. */
  private timeOut(wait: RemoteWait & { readonly since: number }): void {
    const { name, kind } = wait;
    const elapsedMs = Math.max(0, this.ledger.host.worker.clock.now() - wait.since);
    const record = { name, kind, order: this.ledger.nextOrder(), attempt: 1, base: 0, elapsedMs, ...wait.timedOut() };
    this.ledger.activity.held();
    this.ledger.commit(record, ({ status }) => {
      if (status === 'TAKEN') {
        void this.refresh().then(() => this.ledger.activity.released());
        return;
      }
      this.close(wait, record.order);
      this.ledger.deliver(record.order, () => wait.settle(record));
      this.ledger.activity.released();
    });
  }

  private close(wait: RemoteWait, order = this.ledger.nextOrder()): number {
    this.open.delete(wait.name);
    this.ledger.ended(wait.name);
    return order;
  }
}
