import type { Op } from './op.js';

export interface WorkerRegistration {
  readonly workerId: string;
  readonly leaseMs: number;
  readonly app: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  /** What its definitions declare: {@link memberOf} each entry. */
  readonly declares: readonly string[];
}

export interface Registered {
  /** `AGAIN`: runs of a lost lease of this worker remain to be given back; call again. */
  readonly status: 'OK' | 'AGAIN';
  readonly now: number;
}

export function registerWorker(worker: WorkerRegistration): Op<Registered> {
  return {
    name: 'register_worker',
    args: [
      worker.workerId,
      worker.leaseMs,
      worker.app,
      JSON.stringify(worker.queues),
      worker.concurrency,
      JSON.stringify(worker.declares),
    ],
    parse: (reply) => {
      const [status, now] = reply as [Registered['status'], number];
      return { status, now };
    },
  };
}
