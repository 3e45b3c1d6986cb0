import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { ClsModule, ClsService } from 'nestjs-cls';
import { type Json, RedflowModule, Step, Workflow, type WorkflowContext } from '../../lib/index.js';
import { connection, withApp } from './fixtures.js';

@Injectable()
class Mails {
  constructor(private readonly cls: ClsService) {}

  @Step()
  async send(): Promise<string> {
    return `sent for ${this.cls.get('tenant')}`;
  }
}

@Workflow('invoice')
class InvoiceWorkflow {
  constructor(
    private readonly mails: Mails,
    private readonly cls: ClsService,
  ) {}

  async run(ctx: WorkflowContext<void>): Promise<string> {
    await ctx.step.waitFor('until the next pass', 1);
    return `${await this.mails.send()}, ended for ${this.cls.get('tenant')}`;
  }
}

@Module({ imports: [ClsModule.forRoot()], exports: [ClsModule] })
class ContextModule {}

describe('context, with nestjs-cls', () => {
  it('is that of the request in the handler and its steps, whatever pass they are in', async () => {
    const redflow = RedflowModule.forRootAsync({
      imports: [ContextModule],
      inject: [ClsService],
      useFactory: (cls: ClsService) => ({
        ...connection(),
        context: {
          capture: () => (cls.isActive() ? (cls.get() as Json) : undefined),
          restore: (carrier, next) => cls.runWith(carrier as object as never, next),
        },
      }),
    });
    await withApp(
      { imports: [ContextModule], providers: [Mails, InvoiceWorkflow] },
      async ({ module, client }) => {
        const cls = module.get(ClsService, { strict: false });
        const handle = await cls.runWith({ tenant: 'acme' } as never, () => client.run(InvoiceWorkflow, undefined));
        expect(await handle.result()).toBe('sent for acme, ended for acme');
      },
      { redflow },
    );
  });
});
