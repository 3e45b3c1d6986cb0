import type { RunRecord } from '../core/run.types.js';
import type { Op } from './op.js';
import { fieldsOfHash, toRunRecord } from './stored-run.js';

export function readRun(runId: string): Op<RunRecord | null> {
  return {
    name: 'read_run',
    args: [runId],
    parse: (reply) => {
      if (!reply) return null;
      const [fields, input, output, error] = reply as [string[], string | null, string | null, string | null];
      return toRunRecord(runId, fieldsOfHash(fields), { input, output, error });
    },
  };
}
