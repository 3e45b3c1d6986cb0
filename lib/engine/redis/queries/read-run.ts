import type { RunRecord } from '../../core/api/run.types.js';
import { fieldsOfHash, type PayloadsReply, sealedInRun, toRunRecord } from '../runs/stored-run.js';
import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';

type RunReply = [string[], PayloadsReply];

const READ_RUN = defineOperation({
  name: 'read_run',
  args: ['id'],
  sealed: (reply, { id }) => (reply ? sealedInRun(id as string, (reply as RunReply)[1]) : []),
  reply: (reply, { id }): RunRecord | null => {
    if (!reply) return null;
    const [fields, payloads] = reply as RunReply;
    return toRunRecord(id as string, fieldsOfHash(fields), payloads);
  },
});

export function readRun(runId: string): Op<RunRecord | null> {
  return READ_RUN({ id: runId });
}
