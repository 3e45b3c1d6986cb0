import { asStatus, type Op, type WriteStatus } from './op.js';

export function finishRun(runId: string, fence: string, outcome: 'succeeded' | 'failed', payload: string): Op<WriteStatus> {
  return { name: 'finish_run', key: runId, args: [runId, fence, outcome === 'succeeded' ? 's' : 'f', payload], parse: asStatus };
}
