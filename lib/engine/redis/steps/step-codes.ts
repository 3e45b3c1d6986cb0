import type { StepKind, StepRecord } from '../../core/api/run.types.js';
import { STEP_KIND_CODES, STEP_STATUS_CODES } from '../stored-names.js';

export const STEP_KINDS: Readonly<Record<string, StepKind>> = {
  [STEP_KIND_CODES.run]: 'run',
  [STEP_KIND_CODES.undoable]: 'run',
  [STEP_KIND_CODES.unknown]: 'run',
  [STEP_KIND_CODES.sleep]: 'sleep',
  [STEP_KIND_CODES.child]: 'child',
  [STEP_KIND_CODES.emittedChild]: 'emit_workflow',
  [STEP_KIND_CODES.event]: 'event',
  [STEP_KIND_CODES.emittedEvent]: 'emit_event',
  [STEP_KIND_CODES.any]: 'any',
};

export const STEP_STATUSES: Readonly<Record<string, StepRecord['status']>> = {
  [STEP_STATUS_CODES.running]: 'running',
  [STEP_STATUS_CODES.waiting]: 'waiting',
  [STEP_STATUS_CODES.succeeded]: 'succeeded',
  [STEP_STATUS_CODES.failed]: 'failed',
  [STEP_STATUS_CODES.reopened]: 'failed',
  [STEP_STATUS_CODES.fulfilled]: 'succeeded',
  [STEP_STATUS_CODES.rejected]: 'failed',
};
