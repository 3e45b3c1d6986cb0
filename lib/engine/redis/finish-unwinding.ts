import type { StoredError } from '../core/run.types.js';
import { asStatus, type Op, type WriteStatus } from './op.js';

/** @param hookId run of the failure hook, '' for none */
export function finishUnwinding(runId: string, fence: string, errors: readonly StoredError[], hookId: string): Op<WriteStatus> {
  const json = errors.length === 0 ? '' : JSON.stringify(errors);
  return { name: 'finish_unwinding', key: runId, args: [runId, fence, json, hookId], parse: asStatus };
}
