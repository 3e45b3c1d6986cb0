import { ReplicationError } from '../core/errors/index.js';
import type { RedisClient } from './connection.js';
import type { Op } from './op.js';

/** How many replicas have to confirm a write, and in which time. */
export interface ReplicaWait {
  readonly count: number;
  readonly timeoutMs: number;
}

/** Where each transition that is waited for has the id of what it writes, among its arguments. */
const ID_AT: Readonly<Record<string, number>> = { create_run: 0, trigger_schedule: 1, emit_event: 0, continue_event: 0 };

/** Answers of transitions that wrote nothing. */
const UNWRITTEN: ReadonlySet<unknown> = new Set(['ERROR', 'CONFLICT', 'MISSING', 'CHANGED']);

/** Text or digest of a script, how many keys it declares, the keys, the first of them the root, and its arguments. */
export type ScriptCall = [script: string, keys: number, root: string, ...rest: Array<string | number>];

export function needsReplicas(ops: ReadonlyArray<Op<unknown>>): boolean {
  return ops.some(({ name }) => name in ID_AT);
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
  { name, args }: Op<unknown>,
  reply: unknown,
  confirmed: number,
  { count, timeoutMs }: ReplicaWait,
): ReplicationError | undefined {
  if (!(name in ID_AT) || UNWRITTEN.has(Array.isArray(reply) ? reply[0] : reply)) return undefined;
  // An idempotency key may have named a run that existed before.
  const id = name === 'create_run' ? (reply as string[])[1] : args[ID_AT[name]];
  return new ReplicationError({ id: String(id), confirmed, expected: count, timeoutMs });
}
