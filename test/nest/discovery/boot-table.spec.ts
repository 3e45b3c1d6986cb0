import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { OnCron, OnEvent, RedflowModule, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { RecordingLogger } from '../../support/engine.js';
import { compileApp, connection } from '../fixtures.js';

@Workflow<string>({
  name: 'order',
  queue: 'shop',
  mutex: (id) => id,
  maxConcurrency: 5,
  event: [{ name: 'order.*', if: () => true }],
})
@OnCron('0 9 * * *', { timezone: 'Europe/Berlin' })
class OrderWorkflow {
  async run(_ctx: WorkflowContext<string>): Promise<void> {}
}

@Injectable()
class Mails {
  @OnEvent('order.placed')
  async thank(): Promise<void> {}
}

@Workflow('plain')
class PlainWorkflow {
  async run(_ctx: WorkflowContext<void>): Promise<void> {}
}

it('the workflows that were found are listed at the boot, on the level debug', async () => {
  const logger = new RecordingLogger();
  const providers = [OrderWorkflow, Mails, PlainWorkflow];
  const module = await compileApp({ providers }, { redflow: RedflowModule.forRoot(connection({ worker: false, logger })) });
  await module.init();
  await module.close();
  const [table] = logger.matching('debug', /^Workflows of/);
  expect(table.message.split('\n')).toEqual([
    'Workflows of connection "default":',
    '  workflow     provider                        queue    started by',
    '  order        OrderWorkflow (RootTestModule)  shop     event order.* (filtered), cron 0 9 * * * (Europe/Berlin); maxConcurrency, mutex',
    '  Mails.thank  Mails.thank (RootTestModule)    default  event order.placed',
    '  plain        PlainWorkflow (RootTestModule)  default  calls',
  ]);
});
