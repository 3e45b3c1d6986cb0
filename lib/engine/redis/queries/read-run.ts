import type { RunRecord } from '../../core/api/run.types.js';
import { fieldsOfHash, type PayloadsReply, sealedInRun, toRunRecord } from '../runs/stored-run.js';
import type { Op } from '../script/op.js';

type RunReply = [string[], PayloadsReply];

export function readRun(runId: string): Op<RunRecord | null> {
  return {
    name: 'read_run',
    args: [runId],
    sealed: (reply) => (reply ? sealedInRun(runId, (reply as RunReply)[1]) : []),
    parse: (reply) => {
      if (!reply) return null;
      const [fields, payloads] = reply as RunReply;
      return toRunRecord(runId, fieldsOfHash(fields), payloads);
    },
  };
}
