import type { StepLedger } from './step-ledger.js';

/** What running steps report of their progress. */
export class ProgressReports {
  /** The last report of each step, while a codec holds them up. */
  private readonly reports = new Map<string, Promise<unknown>>();

  constructor(private readonly ledger: StepLedger) {}

  store(step: string, payload: string, where: () => string): Promise<unknown> {
    const { host, activity, data } = this.ledger;
    const { journal } = host;
    const sealed = host.worker.sealer.seal(payload, where);
    activity.progressed();
    data.progress.set(step, payload);
    if (typeof sealed === 'string') return journal.progress(step, sealed);
    // The codec may be done with a later report first.
    const earlier = this.reports.get(step);
    const report = sealed.then(async (text) => {
      await earlier?.catch(() => undefined);
      await journal.progress(step, text);
    });
    this.reports.set(step, report);
    return report;
  }
}
