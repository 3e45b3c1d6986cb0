import type { StepWorker } from '../steps/step-host.js';

/**
 * Calls `begin` when the worker's lease is certain: at once, while it is. Behind an answer that came late, or a process that stood
 * still, code of the user would begin beside the run's next owner.
 * @param now Redis time; a later one is handed on if the lease had to be confirmed first
 */
export function whenLeased(worker: StepWorker, now: number, begin: (now: number) => void): void {
  const leased = worker.leaseConfirmed();
  if (leased) void leased.then(() => begin(Math.floor(worker.clock.now())));
  else begin(now);
}
