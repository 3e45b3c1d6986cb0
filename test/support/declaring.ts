import {
  type Declaration,
  type Declared,
  type DeclaredSchedule,
  declareWorkflows,
} from '../../lib/engine/redis/registry/declare-workflows.js';
import type { EngineRoom } from './engine-room.js';

/** What some code declares of a workflow. */
export interface Code {
  readonly workflow?: string;
  readonly events?: readonly string[];
  readonly schedules?: ReadonlyArray<Partial<DeclaredSchedule> & { readonly id: string; readonly nextAt?: number }>;
  readonly maxConcurrency?: number;
  /** More of the metadata. */
  readonly meta?: object;
}

export const FORGET_AFTER_MS = 3_600_000;

export function declarationOf(code: Code): Declaration {
  const { workflow = 'greet', events = [], schedules = [], maxConcurrency, meta } = code;
  const metadata = { name: workflow, app: 'app', queue: 'default', maxAttempts: 3, priority: 0, tags: {}, cron: [], events };
  return {
    workflow,
    meta: JSON.stringify({ ...metadata, maxConcurrency, ...meta }),
    schedules: schedules.map(({ nextAt = 9_000_000_000_000, ...schedule }) => ({
      declared: { workflow, expression: '0 3 * * *', timezone: 'UTC', misfire: 'once', input: '', ...schedule },
      nextAt,
    })),
    forgetAfterMs: FORGET_AFTER_MS,
  };
}

/** Registers a worker of a deployment, which serves no queue. */
export function join(
  room: EngineRoom,
  workerId: string,
  deployment: string,
  codes: readonly Code[],
  since = '',
): Promise<string> {
  const workflows = codes.map(({ workflow = 'greet' }) => workflow).sort();
  return room.register(workerId, [], { deployment, workflows, since });
}

export const declareOp = (workerId: string, codes: readonly Code[], isRestoring = false) =>
  declareWorkflows(workerId, codes.map(declarationOf), isRestoring);

/** A worker of a deployment starts with this code. */
export async function start(room: EngineRoom, workerId: string, deployment: string, ...codes: Code[]): Promise<Declared> {
  await join(room, workerId, deployment, codes);
  return room.send(declareOp(workerId, codes));
}
