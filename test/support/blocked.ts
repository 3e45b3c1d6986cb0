import { expect } from '@jest/globals';
import type { RedflowClient, RunRecord } from '../../lib/engine/index.js';
import { eventually } from './eventually.js';

/** The run, once its code has blocked it, or what else is named. */
export function blocked(
  { client }: { readonly client: RedflowClient },
  runId: string,
  by: RunRecord['blockedBy'] = 'code',
): Promise<RunRecord> {
  return eventually(async () => {
    const run = await client.getRun(runId);
    expect(run).toMatchObject({ status: 'queued', blockedBy: by });
    return run as RunRecord;
  }, `run ${runId} is blocked`);
}
