// Beside app.ts, run by Jest with ts-jest as CommonJS: the way `nest new` of Nest 11 sets tests up.
import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { RedflowClient, Step, Workflow, type WorkflowContext } from 'nestjs-redflow';
import { RedflowTestBed, RedflowTestingModule, runInline } from 'nestjs-redflow/testing';

@Workflow('reminder')
class ReminderWorkflow {
  async run(ctx: WorkflowContext<string>): Promise<string> {
    await ctx.step.waitFor('three days', '3d');
    return this.remind(ctx.input);
  }

  @Step('remind')
  async remind(whom: string): Promise<string> {
    return `reminded ${whom}`;
  }
}

it('waits three days on a Redis, in no time', async () => {
  const imports = [RedflowTestingModule.forRoot({ url: process.env.CONSUMER_REDIS_URL })];
  const module = await Test.createTestingModule({ imports, providers: [ReminderWorkflow] }).compile();
  await module.init();
  const handle = await module.get(RedflowClient).run(ReminderWorkflow, 'Ada');
  await module.get(RedflowTestBed).advance('3d');
  expect((await handle.getState()).output).toBe('reminded Ada');
  await module.close();
});

it('runs inline', async () => {
  const result = await runInline(new ReminderWorkflow(), { input: 'Ada', stepOverrides: { remind: 'not today' } });
  expect(result.output).toBe('not today');
});
