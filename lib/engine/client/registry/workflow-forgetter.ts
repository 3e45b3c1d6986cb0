import { canBeName } from '../../core/checks/checks.js';
import { closeMatches } from '../../core/checks/close-matches.js';
import { UnknownWorkflowError, WorkflowServedError } from '../../core/errors/index.js';
import { forgetWorkflow } from '../../redis/registry/forget-workflow.js';
import type { WorkflowMetas } from '../../redis/registry/workflow-metas.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import type { PendingCalls } from '../pending-calls.js';

/** Removes from Redis what left the code for good. */
export class WorkflowForgetter {
  constructor(
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
    private readonly metas: WorkflowMetas,
  ) {}

  /** @throws UnknownWorkflowError, WorkflowServedError */
  forget(workflow: string): Promise<void> {
    return this.pending.track(async () => {
      let answer = await this.call(workflow);
      const isBegun = answer === 'AGAIN';
      while (answer === 'AGAIN') answer = await this.call(workflow);
      if (answer === 'SERVED') throw new WorkflowServedError({ workflow });
      // A worker may have finished what this call began.
      if (answer === 'UNKNOWN' && !isBegun) {
        throw new UnknownWorkflowError({ workflow, suggestions: closeMatches(workflow, await this.metas.names()) });
      }
    });
  }

  private async call(workflow: string) {
    return canBeName(workflow, 'workflow') ? this.buffer.add(forgetWorkflow(workflow)) : 'UNKNOWN';
  }
}
