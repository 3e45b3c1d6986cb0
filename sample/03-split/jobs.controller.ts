import { Body, Controller, Get, HttpCode, NotFoundException, Param, Post, Res } from '@nestjs/common';
import { RedflowClient, ResultTimeoutError, type RunStatus } from 'nestjs-redflow';
import { Mail, SendMail } from './jobs/send-mail.workflow.js';
import { ReportOrder, WriteReport } from './jobs/write-report.workflow.js';

const PATIENCE_MS = 10_000;

export interface JobView {
  id: string;
  status: RunStatus;
  /** The steps that have completed. */
  done: string[];
  result?: unknown;
}

/** Puts work into queues and reads what became of it. What a workflow's `input` refuses is answered with 400 by the module. */
@Controller()
export class JobsController {
  constructor(private readonly redflow: RedflowClient) {}

  /** Answers at once with the state of the run. It is safe in Redis by then, whether or not a worker is up. */
  @Post('mails')
  @HttpCode(202)
  async mail(@Body() mail: Mail): Promise<JobView> {
    const { id } = await this.redflow.run(SendMail, mail);
    return this.show(id);
  }

  /** Waits for the result, which Redis pushes; what takes longer is answered with 202 and the state of the run. */
  @Post('reports')
  @HttpCode(200)
  async report(
    @Body() order: ReportOrder,
    @Res({ passthrough: true }) response: { status(code: number): void },
  ): Promise<JobView> {
    const handle = await this.redflow.run(WriteReport, order);
    try {
      await handle.result({ timeoutMs: PATIENCE_MS });
    } catch (error) {
      if (!(error instanceof ResultTimeoutError)) throw error;
      response.status(202);
    }
    return this.show(handle.id);
  }

  @Get('jobs/:id')
  async show(@Param('id') id: string): Promise<JobView> {
    const run = await this.redflow.getRun(id);
    if (!run) throw new NotFoundException(`There is no job "${id}".`);
    const steps = await this.redflow.getRunSteps(id);
    const done = steps.filter(({ status }) => status === 'succeeded').map(({ name }) => name);
    return { id, status: run.status, done, result: run.output };
  }
}
