import { decodePayload } from '../core/payload.js';
import type { AttemptRecord, StoredError } from '../core/run.types.js';
import { NO_CODEC, type Sealer, sealedText } from '../core/sealer.js';
import type { RedisClient } from './connection.js';
import { type Keyspace, statusOf } from './keyspace.js';

const OUTCOMES: Readonly<Record<string, AttemptRecord['outcome']>> = {
  s: 'succeeded',
  f: 'failed',
  p: 'parked',
  h: 'handed_back',
  l: 'lost',
  c: 'canceled',
};

/** Every pass of a run, the current one included. The first pass is only written down if the run did not end in it. */
export async function readAttempts(
  redis: RedisClient,
  keys: Keyspace,
  runId: string,
  sealer: Sealer = NO_CODEC,
): Promise<AttemptRecord[]> {
  const lines = await redis.lrange(keys.passes(runId), 0, -1);
  const where = `error of an attempt of run "${runId}"`;
  await sealer.openAll(lines.flatMap((line, index) => sealedText(lines, index, where, line.indexOf(';') + 1)));
  const passes = lines.map(parsePass);
  const [status, failures, worker, startedAt, claimedAt, finishedAt, unwinding] = await redis.hmget(
    keys.run(runId),
    'st',
    'n',
    'w',
    'sa',
    'ca',
    'fa',
    'co',
  );
  const running = status === 'r';
  if (startedAt === null || (!running && passes.length > 0)) return passes;
  if (!running && finishedAt === null) return passes;
  const failed = status === 'f';
  const last: AttemptRecord = {
    attempt: Number(failures ?? 0) + (failed || unwinding === 'f' ? 0 : 1),
    workerId: worker as string,
    startedAt: Number(claimedAt ?? startedAt),
  };
  if (!running) {
    last.finishedAt = Number(finishedAt);
    last.outcome = statusOf(status as string) as AttemptRecord['outcome'];
    const errors = failed ? [await redis.hget(keys.data(runId), 'e')] : [];
    await sealer.openAll(sealedText(errors, 0, `error of run "${runId}"`));
    const [error] = errors;
    if (error) last.error = decodePayload(error) as StoredError;
  }
  return [...passes, last];
}

/** `attempt,outcome,startedAt,endedAt,worker;error` */
function parsePass(text: string): AttemptRecord {
  const end = text.indexOf(';');
  const [attempt, outcome, startedAt, finishedAt, workerId] = text.slice(0, end).split(',');
  const record: AttemptRecord = {
    attempt: Number(attempt),
    workerId,
    startedAt: Number(startedAt),
    finishedAt: Number(finishedAt),
    outcome: OUTCOMES[outcome],
  };
  if (text.length > end + 1) record.error = decodePayload(text.slice(end + 1)) as StoredError;
  return record;
}
