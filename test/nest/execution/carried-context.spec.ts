import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Inject, Injectable, Module, Scope, UseGuards } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { ClsModule, ClsService } from 'nestjs-cls';
import {
  currentRun,
  type FailureContext,
  type Json,
  OnEvent,
  OnFailure,
  type RedflowClient,
  RedflowModule,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { eventually } from '../../support/eventually.js';
import { connection, withApp } from '../fixtures.js';

const seen: string[] = [];

@Injectable()
class Witness {
  constructor(private readonly cls: ClsService) {}

  note(where: string): string {
    const note = `${where}: ${this.cls.isActive() ? this.cls.get('tenant') : 'nobody'}`;
    seen.push(note);
    return note;
  }
}

@Injectable()
class TenantGuard implements CanActivate {
  constructor(private readonly witness: Witness) {}

  canActivate(): boolean {
    this.witness.note('guard');
    return true;
  }
}

@Injectable()
class Mails {
  constructor(private readonly witness: Witness) {}

  @Step({
    compensate(this: Mails) {
      this.witness.note('compensation');
    },
  })
  async send(): Promise<string> {
    await new Promise(setImmediate);
    return this.witness.note('step');
  }

  @OnEvent('invoice.sent')
  async archive(): Promise<void> {
    this.witness.note('event method');
  }
}

@Workflow('receipt')
class ReceiptWorkflow {
  constructor(private readonly witness: Witness) {}

  async run(_ctx: WorkflowContext<void>): Promise<void> {
    this.witness.note('child');
  }
}

@Workflow({ name: 'invoice', maxAttempts: 2, retries: { delay: 1 } })
@UseGuards(TenantGuard)
class InvoiceWorkflow {
  constructor(
    private readonly mails: Mails,
    private readonly witness: Witness,
  ) {}

  async run(ctx: WorkflowContext<void>): Promise<void> {
    this.witness.note(`attempt ${ctx.run.attempt}`);
    if (ctx.run.attempt === 1) throw new Error('again');
    await ctx.step.waitFor('until the next pass', 1);
    this.witness.note('after the sleep');
    await this.mails.send();
    await ctx.step.waitForEvent('paid', { event: 'paid', correlationKey: 'i1', timeout: '1m' });
    this.witness.note('after the event');
    await ctx.step.runWorkflow('receipt', ReceiptWorkflow, undefined);
    await ctx.step.emitEvent('sent', 'invoice.sent', {});
    throw new Error('for good');
  }

  @OnFailure()
  async failed(_failure: FailureContext<void>): Promise<void> {
    this.witness.note('hook');
  }
}

@Injectable({ scope: Scope.REQUEST })
@Workflow('scoped')
class ScopedWorkflow {
  private readonly atConstruction: string;

  constructor(
    @Inject(REQUEST) private readonly ctx: WorkflowContext<void>,
    witness: Witness,
  ) {
    this.atConstruction = witness.note('constructor');
  }

  async run(ctx: WorkflowContext<void>): Promise<boolean[]> {
    return [this.ctx === ctx, currentRun() === ctx, this.atConstruction === 'constructor: acme'];
  }
}

@Module({ imports: [ClsModule.forRoot()], exports: [ClsModule] })
class ContextModule {}

const redflow = () =>
  RedflowModule.forRootAsync({
    imports: [ContextModule],
    inject: [ClsService],
    useFactory: (cls: ClsService) => ({
      ...connection(),
      context: {
        capture: () => (cls.isActive() ? { tenant: cls.get<string>('tenant') } : undefined),
        restore: (carrier: Json, next) => cls.runWith(carrier as never, next),
      },
    }),
  });
const metadata = {
  imports: [ContextModule],
  providers: [Witness, Mails, TenantGuard, ReceiptWorkflow, InvoiceWorkflow, ScopedWorkflow],
};

const asTenant = <T>(cls: ClsService, tenant: string, call: () => T): T => cls.runWith({ tenant } as never, call);

describe('context, with nestjs-cls', () => {
  it('is that of the request in all that comes of it: passes, attempts, steps, children, events, compensations, the hook', async () => {
    seen.length = 0;
    await withApp(
      metadata,
      async ({ module, client }) => {
        const cls = module.get(ClsService, { strict: false });
        const handle = await asTenant(cls, 'acme', () => client.run(InvoiceWorkflow, undefined));
        // Who sends the event that the run waits for is somebody else.
        await asTenant(cls, 'bank', () => client.emitEvent('paid', {}, { correlationKey: 'i1' }));
        await expect(handle.result()).rejects.toThrow('for good');
        await eventually(async () => (await handle.getState()).failureHook?.status === 'succeeded');
        await eventually(async () => seen.some((note) => note.startsWith('event method')));
        expect(new Set(seen)).toEqual(
          new Set(
            [
              'guard',
              'attempt 1',
              'attempt 2',
              'after the sleep',
              'step',
              'after the event',
              'child',
              'event method',
              'compensation',
              'hook',
            ].map((where) => `${where}: acme`),
          ),
        );
      },
      { redflow: redflow() },
    );
  });

  it('keeps those apart that run at the same time, and is none where there was none', async () => {
    seen.length = 0;
    await withApp(
      metadata,
      async ({ module, client }) => {
        const cls = module.get(ClsService, { strict: false });
        const emit = (): Promise<Awaited<ReturnType<RedflowClient['emitEvent']>>> => client.emitEvent('invoice.sent', {});
        const tenants = Array.from({ length: 20 }, (_, index) => `tenant ${index}`);
        const handles = await Promise.all([...tenants.map((tenant) => asTenant(cls, tenant, emit)), emit()]);
        await Promise.all(handles.flat().map((handle) => handle.result()));
        expect(seen.toSorted()).toEqual([...tenants, 'nobody'].map((tenant) => `event method: ${tenant}`).toSorted());
      },
      { redflow: redflow() },
    );
  });

  it('is there when a request-scoped workflow is constructed', async () => {
    await withApp(
      metadata,
      async ({ module, client }) => {
        const cls = module.get(ClsService, { strict: false });
        const handle = await asTenant(cls, 'acme', () => client.run(ScopedWorkflow, undefined));
        expect(await handle.result()).toEqual([true, true, true]);
      },
      { redflow: redflow() },
    );
  });
});
