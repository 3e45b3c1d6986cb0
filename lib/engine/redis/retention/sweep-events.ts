import { defineOperation } from '../script/define-operation.js';
import type { Op } from '../script/op.js';
import { parseSwept, type Swept } from './sweep-history.js';

const SWEEP_EVENTS = defineOperation({
  name: 'sweep_events',
  args: ['retention', 'limit'],
  reply: parseSwept,
});

export function sweepEvents(retentionMs: number, limit: number): Op<Swept> {
  return SWEEP_EVENTS({ retention: retentionMs, limit });
}
