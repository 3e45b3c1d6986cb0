import type { Op } from '../script/op.js';
import { parseSwept, type Swept } from './sweep-history.js';

export function sweepEvents(retentionMs: number, limit: number): Op<Swept> {
  return { name: 'sweep_events', args: [retentionMs, limit], parse: parseSwept };
}
