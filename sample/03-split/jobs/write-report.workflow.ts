import { setTimeout as delay } from 'node:timers/promises';
import { Matches } from 'class-validator';
import { Workflow, type WorkflowContext } from 'nestjs-redflow';
import { processName } from './process-name.js';

/** The body of `POST /reports`, and the input of the workflow. */
export class ReportOrder {
  @Matches(/^\d{4}-\d{2}$/, { message: 'month must look like 2026-10' })
  month!: string;
}

@Workflow({ name: 'write-report', queue: 'reports', input: ReportOrder })
export class WriteReport {
  async run({ input, step }: WorkflowContext<ReportOrder>) {
    const cents = await step.run('add up', async () => {
      await delay(200);
      return 123_400;
    });
    const writtenBy = await step.run('write', () => processName);
    return { month: input.month, cents, writtenBy };
  }
}
