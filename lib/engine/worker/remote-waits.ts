import type { StoredStep } from '../redis/stored-step.js';
import type { StepWrite } from './pass-journal.js';
import type { StepLedger } from './step-ledger.js';

/** A wait that something outside the run may end: the end of a child. */
export interface RemoteWait {
  readonly name: string;
  /** Redis time of its timeout. */
  readonly wakeAt?: number;
  /** What is stored when the time runs out first. */
  readonly timedOut: () => StepWrite;
  /** Hands the outcome to the handler. */
  readonly settle: (outcome: Pick<StoredStep, 'status' | 'payload'>) => void;
}

/** The waits of a pass that end from outside; the outcome is written to the step's record by whoever ends it. */
export class RemoteWaits {
  private readonly open = new Map<string, RemoteWait>();

  constructor(private readonly ledger: StepLedger) {}

  add(wait: RemoteWait): void {
    this.open.set(wait.name, wait);
    this.ledger.wait({ name: wait.name, wakeAt: wait.wakeAt, fire: () => this.timeOut(wait) });
  }

  /** Looks for outcomes that have arrived meanwhile. */
  async refresh(): Promise<void> {
    const names = [...this.open.keys()];
    if (names.length === 0 || this.ledger.closed) return;
    const records = await this.ledger.host.journal.readSteps(names);
    names.forEach((name, index) => {
      const record = records[index];
      const wait = this.open.get(name);
      if (wait && record && (record.status === 'd' || record.status === 'k')) this.adopt(wait, record);
    });
  }

  private adopt(wait: RemoteWait, outcome: StoredStep): void {
    if (this.ledger.closed) return;
    const order = this.close(wait);
    this.ledger.host.journal.adoptOutcome(wait.name, order);
    this.ledger.deliver(order, () => wait.settle(outcome));
  }

  /** Others may have been faster: only what the script accepts is told to the handler. */
  private timeOut(wait: RemoteWait): void {
    const record = { ...wait.timedOut(), order: this.ledger.nextOrder() };
    this.ledger.held();
    this.ledger.host.journal.commitStep(record, ({ status }) => {
      if (status === 'TAKEN') {
        void this.refresh().then(() => this.ledger.released());
        return;
      }
      this.close(wait, record.order);
      this.ledger.deliver(record.order, () => wait.settle(record));
      this.ledger.released();
    });
  }

  private close(wait: RemoteWait, order = this.ledger.nextOrder()): number {
    this.open.delete(wait.name);
    this.ledger.ended(wait.name);
    return order;
  }
}
