import type { RunRecord } from '../core/run.types.js';
import type { Op } from './op.js';
import { fieldsOfHash, type PayloadsReply, sealedInRun, toRunRecord } from './stored-run.js';

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
