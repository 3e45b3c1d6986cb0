import type { WorkflowContext } from '../../core/api/workflow.types.js';

/** Tells of replays of this deployment that depart from what is stored and go on all the same: once of each workflow, not of each run. */
export class DepartureLog {
  private readonly told = new Set<string>();

  /** @param deployment undefined where there is none */
  constructor(readonly deployment: string | undefined) {}

  warn({ run, logger }: WorkflowContext, message: string): void {
    if (this.told.has(run.workflow)) return;
    this.told.add(run.workflow);
    logger.warn(message);
  }
}
