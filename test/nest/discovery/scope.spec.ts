import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { ContextIdFactory, REQUEST } from '@nestjs/core';
import { Step, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { ALWAYS_PARK } from '../../support/passes.js';
import { withApp } from '../fixtures.js';

let made = 0;

@Injectable({ scope: Scope.REQUEST })
class Tenant {
  readonly number = ++made;

  constructor(@Inject(REQUEST) private readonly ctx: WorkflowContext<{ tenant: string }>) {}

  @Step()
  async name(): Promise<string> {
    return this.ctx.input.tenant;
  }
}

@Workflow({ retries: { maxAttempts: 2, delay: 1 } })
class TenantWorkflow {
  constructor(private readonly tenant: Tenant) {}

  async run(ctx: WorkflowContext<{ tenant: string }>): Promise<{ name: string; number: number }> {
    const name = await this.tenant.name();
    if (ctx.run.attempt === 1) throw new Error('once');
    return { name, number: this.tenant.number };
  }
}

@Injectable({ scope: Scope.TRANSIENT })
@Workflow()
class TransientWorkflow {
  private runs = 0;

  constructor(@Inject('WORD') private readonly word: string) {}

  async run(_ctx: WorkflowContext<void>): Promise<string> {
    this.runs += 1;
    return `${this.word} ${this.runs}`;
  }
}

const metadata = { providers: [Tenant, TenantWorkflow, TransientWorkflow, { provide: 'WORD', useValue: 'pass' }] };

describe('workflows that are not singletons', () => {
  it('get one instance per pass and the WorkflowContext as REQUEST', async () => {
    await withApp(metadata, async ({ client }) => {
      made = 0;
      const handles = await Promise.all(['a', 'b'].map((tenant) => client.run(TenantWorkflow, { tenant })));
      const results = await Promise.all(handles.map((handle) => handle.result()));
      expect(results.map(({ name }) => name)).toEqual(['a', 'b']);
      expect(new Set(results.map(({ number }) => number)).size).toBe(2);
      // Two attempts each, and a pass more for the step where every step ends its pass.
      expect(made).toBe(ALWAYS_PARK ? 6 : 4);
    });
  });

  it('have their dependencies when transient, too', async () => {
    await withApp(metadata, async ({ client }) => {
      expect(await (await client.run(TransientWorkflow, undefined)).result()).toBe('pass 1');
      expect(await (await client.run(TransientWorkflow, undefined)).result()).toBe('pass 1');
    });
  });

  it('may be made by a factory that is called for each pass', async () => {
    let made = 0;
    @Workflow({ name: 'made', maxAttempts: 1 })
    class MadeWorkflow {
      constructor(private readonly ctx: WorkflowContext<string>) {}

      async run(ctx: WorkflowContext<string>): Promise<boolean> {
        return this.ctx === ctx;
      }
    }
    const factory = (ctx: WorkflowContext<string>) => {
      made += 1;
      return new MadeWorkflow(ctx);
    };
    const provider = { provide: MadeWorkflow, scope: Scope.REQUEST, useFactory: factory, inject: [REQUEST] };
    await withApp({ providers: [provider] }, async ({ client }) => {
      const handles = [await client.run(MadeWorkflow, 'a'), await client.run(MadeWorkflow, 'b')];
      expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([true, true]);
      expect(made).toBe(2);
    });
  });

  it('may be durable: the strategy for requests is not asked', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Database {
      constructor(@Inject(REQUEST) private readonly ctx: WorkflowContext<string>) {}

      @Step()
      async name(): Promise<string> {
        return `database of ${this.ctx.input}`;
      }
    }
    @Workflow({ name: 'durable', maxAttempts: 1 })
    class DurableWorkflow {
      constructor(private readonly database: Database) {}

      async run(_ctx: WorkflowContext<string>): Promise<string> {
        return this.database.name();
      }
    }
    const attach = (): never => {
      throw new TypeError('There are no headers.');
    };
    ContextIdFactory.apply({ attach });
    try {
      await withApp({ providers: [Database, DurableWorkflow] }, async ({ client }) => {
        const handles = [await client.run(DurableWorkflow, 'a'), await client.run(DurableWorkflow, 'b')];
        expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(['database of a', 'database of b']);
      });
    } finally {
      ContextIdFactory.apply(undefined as never);
    }
  });
});
