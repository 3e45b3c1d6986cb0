import { expect } from '@jest/globals';
import type { RedflowClient, RunRecord } from '../../lib/engine/index.js';
import { eventually } from './eventually.js';

/** The run, once its code has blocked it. */
export function blocked({ client }: { readonly client: RedflowClient }, runId: string): Promise<RunRecord> {
  return eventually(async () => {
    const run = await client.getRun(runId);
    expect(run).toMatchObject({ status: 'queued', blockedBy: 'code' });
    return run as RunRecord;
  }, `run ${runId} is blocked`);
}
