import { Injectable } from '@nestjs/common';
import { OnCron, RedflowClient, type WorkflowContext } from 'nestjs-redflow';

const MINUTE_MS = 60_000;

/** Counts the orders of the last minute, every minute. However many workers there are, a minute has one digest. */
@Injectable()
export class DigestProvider {
  constructor(private readonly redflow: RedflowClient) {}

  @OnCron('* * * * *', { id: 'digest', name: 'digest' })
  digest(_input: undefined, ctx: WorkflowContext): Promise<string> {
    return ctx.step.run('count', async () => {
      const until = ctx.schedule?.instant ?? 0;
      const { items } = await this.redflow.listRuns({ workflow: 'fulfil-order', limit: 1_000 });
      const placed = items.filter(({ createdAt }) => createdAt > until - MINUTE_MS && createdAt <= until);
      const open = placed.filter(({ finishedAt }) => finishedAt === undefined).length;
      return `${placed.length} orders in the last minute, ${open} of them still open`;
    });
  }
}
