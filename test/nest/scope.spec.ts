import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Step, Workflow, type WorkflowContext } from '../../lib/index.js';
import { ALWAYS_PARK } from '../support/passes.js';
import { withApp } from './fixtures.js';

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
});
