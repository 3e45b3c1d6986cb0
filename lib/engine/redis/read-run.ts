import type { RunRecord } from '../core/run.types.js';
import type { Op } from './op.js';
import { fieldsOfHash, type PayloadsReply, toRunRecord } from './stored-run.js';

export function readRun(runId: string): Op<RunRecord | null> {
  return {
    name: 'read_run',
    args: [runId],
    parse: (reply) => {
      if (!reply) return null;
      const [fields, payloads] = reply as [string[], PayloadsReply];
      return toRunRecord(runId, fieldsOfHash(fields), payloads);
    },
  };
}
