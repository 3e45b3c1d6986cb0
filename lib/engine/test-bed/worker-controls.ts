import type { Worker } from '../core/api/worker.types.js';
import { RunWorker } from '../worker/run-worker.js';

/** Stops a worker dead, as a SIGKILL of its process would: nothing is handed back, and nothing it still writes is sent. */
export async function crashWorker(worker: Worker): Promise<void> {
  if (worker instanceof RunWorker) await worker.crash();
}

/** Tells a worker that the clock of its namespace was moved. */
export function tellWorker(worker: Worker, now: number): void {
  if (!(worker instanceof RunWorker)) return;
  worker.clockMoved(now);
  for (const pass of worker.passes()) {
    pass.watchDeadline(now);
    pass.steps.ledger.clockMoved(now);
  }
}
