import type { WorkflowMeta } from '../core/client.types.js';
import type { Op } from './op.js';

export function registerWorkflows(metas: ReadonlyArray<Omit<WorkflowMeta, 'updatedAt'>>): Op<'OK'> {
  return {
    name: 'register_workflows',
    args: metas.flatMap((meta) => [meta.name, JSON.stringify(meta)]),
    parse: () => 'OK',
  };
}
