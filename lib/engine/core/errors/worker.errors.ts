import { RedflowError } from './redflow.error.js';

/** The abort reason of a pass whose worker lost its lease: another worker has the run, or will. */
export class LeaseLostError extends RedflowError {
  readonly code = 'LEASE_LOST';
  readonly runId: string;
  /** The worker that lost the lease. */
  readonly workerId: string;

  constructor(ids: { runId: string; workerId: string }) {
    super(
      `Worker "${ids.workerId}" lost its lease on run "${ids.runId}": another worker continues it, and nothing more from this pass ` +
        'is stored. Raise `leaseMs`, or look for what blocked the event loop or the connection.',
    );
    this.runId = ids.runId;
    this.workerId = ids.workerId;
  }
}

/** The abort reason of a pass still running when its worker's `shutdownTimeoutMs` was over; the run went back to its queue. */
export class ShutdownError extends RedflowError {
  readonly code = 'SHUTDOWN';
  readonly runId: string;

  constructor(ids: { runId: string }) {
    super(
      `Run "${ids.runId}" was handed back to its queue because its worker stopped. ` +
        'Raise `shutdownTimeoutMs` to let handlers finish, or make their steps shorter.',
    );
    this.runId = ids.runId;
  }
}
