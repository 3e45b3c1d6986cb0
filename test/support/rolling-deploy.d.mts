/** Of times in milliseconds. */
export interface Latencies {
  count: number;
  p50: number;
  p99: number;
  max: number;
  over100: number;
}

/** What is certain from a moment on; what is left out is not. */
export interface Phase {
  /** The build whose subscriptions and schedules hold. */
  holder?: 'old' | 'new';
  /** Whether a worker of the old build lives. */
  old?: boolean;
  new?: boolean;
  /** Whether the workflow that only the new build has is known. */
  fresh?: boolean;
}

export interface Verdict {
  /** Runs whose create was answered. */
  acknowledged: number;
  events: number;
  /** All runs. */
  runs: number;
  kills: number;
  recoveries: number;
  /** Runs that rested until a worker of their build came. */
  rested: number;
  refusals: Record<string, number>;
  latencies: Record<string, Latencies>;
  violations: string[];
}

/** A worker process. */
export interface Pod {
  end(signal: NodeJS.Signals): Promise<void>;
}

export interface RollingDeployOptions {
  workers?: number;
  rate?: number;
  paceMs?: number;
  leaseMs?: number;
  deployments?: { old: string; new: string };
}

/**
 * A shop of several workers that is deployed anew, and a mail service beside it, under load: see `fixtures/deploy-workflows.mjs`.
 * Whoever deploys says when he knows what holds ({@link phase}); {@link judge} compares every event, instant and run with that.
 */
export class RollingDeploy {
  /** Workers of the shop. */
  readonly pods: Pod[];
  constructor(options?: RollingDeployOptions);
  /** All workers have the old build, two schedules are paused, and the load goes on. */
  begin(): Promise<void>;
  pace(times?: number): Promise<void>;
  phase(known: Phase): void;
  /** @returns a worker that claims runs */
  spawn(build: 'old' | 'new'): Promise<Pod>;
  kill(pod: Pod): Promise<void>;
  /** A worker that is killed a second after each start, now and then while it boots. `stop()` answers how often. */
  crashLoop(build: 'old' | 'new'): { stop(): Promise<number> };
  /** Resolves once Redis says that a schedule holds. @returns how long that took */
  untilHeld(scheduleId: string): Promise<number>;
  judge(): Promise<Verdict>;
  close(): Promise<void>;
}
