import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

/** The workers of a deployment that serve the same workflows. */
export interface Team {
  readonly id: string;
  readonly workflows: readonly string[];
}

/** What a worker serves, and for whom. */
export interface Membership {
  /** What it executes: names of workflows, and of each version name, NUL and version. */
  readonly serves: readonly string[];
  /** '' for a worker that is stopping: it serves nothing more. */
  readonly deployment: string;
  readonly team: Team;
  /** For how long what it declares is kept while nobody serves it. */
  readonly forgetAfterMs: number;
}

export interface WorkerRegistration extends Membership {
  readonly workerId: string;
  readonly leaseMs: number;
  readonly app: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  /** Stamp of the deployment as this worker was told it before, '' for none. */
  readonly since: string;
}

export interface Registered {
  /** `AGAIN`: runs of a lost lease of this worker remain to be given back; call again. */
  readonly status: 'OK' | 'AGAIN';
  readonly now: number;
  /** Stamp of the deployment; '' if there is none. */
  readonly since: string;
}

const REGISTER_WORKER = defineOperation({
  name: 'register_worker',
  args: ['worker', 'lease', 'app', 'queues', 'concurrency', 'deployment', 'team', 'workflows', 'forget_after', 'since', 'serves'],
  reply: (reply): Registered => {
    const [status, now, stamp] = reply as [Registered['status'], number, string];
    return { status, now, since: stamp };
  },
});

export function registerWorker(worker: WorkerRegistration): Op<Registered> {
  const { workerId, leaseMs, app, queues, concurrency, deployment, team, forgetAfterMs, since, serves } = worker;
  return REGISTER_WORKER({
    worker: workerId,
    lease: leaseMs,
    app,
    queues: JSON.stringify([...queues].sort()),
    concurrency,
    deployment,
    team: team.id,
    workflows: JSON.stringify(team.workflows),
    forget_after: forgetAfterMs,
    since,
    serves: JSON.stringify([...serves].sort()),
  });
}
