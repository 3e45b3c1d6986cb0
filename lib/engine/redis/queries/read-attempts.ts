import type { AttemptRecord, StoredError } from '../../core/api/run.types.js';
import { decodePayload } from '../../core/payload/payload.js';
import { sealedText } from '../../core/payload/sealer.js';
import { statusOf } from '../runs/run-status.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

const OUTCOMES: Readonly<Record<string, AttemptRecord['outcome']>> = {
  s: 'succeeded',
  f: 'failed',
  p: 'parked',
  h: 'handed_back',
  l: 'lost',
  k: 'blocked',
  c: 'canceled',
};

type Text = string | null;
type AttemptsReply = [lines: string[], run: Text[], error: [Text]];

const READ_ATTEMPTS = defineOperation({
  name: 'read_attempts',
  args: ['id'],
  sealed: (reply, { id }) => {
    const [lines, , error] = reply as AttemptsReply;
    const where = `error of an attempt of run "${id}"`;
    const inLines = lines.flatMap((line, index) => sealedText(lines, index, where, line.indexOf(';') + 1));
    return [...inLines, ...sealedText(error, 0, `error of run "${id}"`)];
  },
  reply: (reply) => parseAttempts(reply as AttemptsReply),
});

/** Every pass of a run, the current one included. The first pass is only written down if the run did not end in it. */
export function readAttempts(runId: string): Op<AttemptRecord[]> {
  return READ_ATTEMPTS({ id: runId });
}

function parseAttempts([lines, run, [error]]: AttemptsReply): AttemptRecord[] {
  const passes = lines.map(parsePass);
  const [status, failures, worker, startedAt, claimedAt, finishedAt, unwinding] = run;
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
