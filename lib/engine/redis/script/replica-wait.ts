import { ReplicationError } from '../../core/errors/index.js';
import type { RedisClient } from '../connection/connection.js';
import type { Op } from './op.js';

/** How many replicas have to confirm a write, and in which time. */
export interface ReplicaWait {
  readonly count: number;
  readonly timeoutMs: number;
}

/** Text or digest of a script, how many keys it declares, the keys, the first of them the root, and its arguments. */
export type ScriptCall = [script: string, keys: number, root: string, ...rest: Array<string | number>];

export function needsReplicas(ops: ReadonlyArray<Op<unknown>>): boolean {
  return ops.some(({ writtenId }) => writtenId !== undefined);
}

/**
 * Calls a script and then waits for replicas, on one connection with nothing between: WAIT on another one would know of no write,
 * and confirm at once.
 * @returns the answers of the operations, with an error in the place of each whose write too few replicas have
 */
export async function callAndWait(
  redis: RedisClient,
  command: 'evalsha' | 'eval',
  script: ScriptCall,
  ops: ReadonlyArray<Op<unknown>>,
  wait: ReplicaWait,
): Promise<unknown[]> {
  // Newer versions wait for the connection's own last write, and a script that was here before may write nothing more: the message,
  // for nobody, is one.
  const pipeline = redis.pipeline().call(command, script).publish(`${script[2]}:replicas`, '').wait(wait.count, wait.timeoutMs);
  const results = (await pipeline.exec()) ?? [];
  for (const [error] of results) if (error) throw error;
  const [replies, , confirmed] = results.map(([, result]) => result) as [unknown[], number, number];
  if (confirmed >= wait.count) return replies;
  return replies.map((reply, index) => shortfallOf(ops[index], reply, confirmed, wait) ?? reply);
}

function shortfallOf(
  op: Op<unknown>,
  reply: unknown,
  confirmed: number,
  { count, timeoutMs }: ReplicaWait,
): ReplicationError | undefined {
  const hasFailed = Array.isArray(reply) && reply[0] === 'ERROR';
  const id = hasFailed ? undefined : op.writtenId?.(reply);
  return id === undefined ? undefined : new ReplicationError({ id, confirmed, expected: count, timeoutMs });
}
