import type { When } from '../../core/api/values.types.js';
import { parseWhen } from '../../core/checks/duration.js';
import type { StoredStep } from '../../redis/steps/stored-step.js';
import type { StepWrite } from './pass-journal.js';
import type { StepLedger } from './step-ledger.js';

/** Steps that only pass time: `ctx.step.waitFor`. */
export class SleepSteps {
  constructor(private readonly ledger: StepLedger) {}

  waitFor(name: string, target: When): Promise<void> {
    return this.ledger.open<void>(name, 's', (resolve, reject) => {
      const when = parseWhen(target, 'target');
      return (stored) => this.begin(name, when, stored, { resolve, reject });
    });
  }

  private begin(
    name: string,
    when: { at: number } | { delayMs: number },
    stored: StoredStep | undefined,
    { resolve, reject }: { readonly resolve: () => void; readonly reject: (error: unknown) => void },
  ): void {
    if (stored?.status === 's') {
      this.ledger.deliver(stored.order, resolve);
      return;
    }
    // Another durable operation: what the handler caught before it is history.
    this.ledger.failures.memoise();
    const since = stored?.startedAt ?? this.ledger.host.worker.clock.now();
    if (!stored && 'delayMs' in when && when.delayMs <= 0) {
      this.end(name, since, since, resolve);
      return;
    }
    this.ledger.wait({ name, wakeAt: stored?.moment, fire: (now) => this.end(name, since, now, resolve), abandon: reject });
    if (!stored) this.ledger.register(name, { ...sleepRecord(name, 0, 'w', 0, 0), wait: when });
  }

  private end(name: string, startedAt: number, now: number, resolve: () => void): void {
    const order = this.ledger.nextOrder();
    this.ledger.commit(sleepRecord(name, startedAt, 's', order, now));
    this.ledger.deliver(order, resolve);
  }
}

function sleepRecord(name: string, startedAt: number, status: 's' | 'w', order: number, now: number): StepWrite {
  return { name, kind: 's', status, order, attempt: 1, base: 0, elapsedMs: Math.max(0, now - startedAt), payload: '' };
}
