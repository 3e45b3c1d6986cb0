import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { IsInt } from 'class-validator';
import { type ExportedRun, RedflowClient, RedflowModule, Step, Workflow, type WorkflowContext } from '../../../lib/index.js';
import { RedflowTestingModule, replayRun } from '../../../lib/testing/index.js';
import { testRedisUrl } from '../../support/namespace.js';

const charged: string[] = [];

@Injectable()
class Payments {
  @Step()
  async charge(sku: string): Promise<string> {
    charged.push(sku);
    return `receipt for ${sku}`;
  }
}

class Order {
  @IsInt()
  count!: number;
}

@Workflow({ name: 'order', input: Order })
@Injectable()
class OrderWorkflow {
  constructor(private readonly payments: Payments) {}

  async run(ctx: WorkflowContext<Order>): Promise<unknown> {
    if (!(ctx.input instanceof Order)) throw new Error('no instance');
    const receipts = [await this.payments.charge('A1'), await this.payments.charge('B2')];
    await ctx.step.waitFor('cooling-off', 5);
    return receipts;
  }
}

@Workflow({ name: 'order', input: Order })
@Injectable()
class ReorderedWorkflow {
  constructor(private readonly payments: Payments) {}

  async run(_ctx: WorkflowContext<Order>): Promise<unknown> {
    return [await this.payments.charge('B2'), await this.payments.charge('A1')];
  }
}

async function exportedOrder(): Promise<ExportedRun> {
  const module = await Test.createTestingModule({
    imports: [RedflowTestingModule.forApp({ url: testRedisUrl() }), RedflowModule.forRoot()],
    providers: [Payments, OrderWorkflow],
  }).compile();
  const app = await module.init();
  try {
    const client = app.get(RedflowClient);
    const handle = await client.run(OrderWorkflow, { count: 1 });
    await handle.result({ timeoutMs: 60_000 });
    return JSON.parse(JSON.stringify(await client.exportRun(handle.id)));
  } finally {
    await app.close();
  }
}

describe('replayRun()', () => {
  it('replays workflow classes with their providers, DTOs and decorated steps, and calls no step', async () => {
    const exported = await exportedOrder();
    charged.length = 0;
    const module = await Test.createTestingModule({ providers: [Payments, OrderWorkflow, ReorderedWorkflow] }).compile();
    const replay = await replayRun(module.get(OrderWorkflow), exported);
    expect(replay).toMatchObject({ departures: [], output: ['receipt for A1', 'receipt for B2'] });
    expect(replay.asked).toEqual(['Payments.charge', 'Payments.charge#2', 'cooling-off']);
    const reordered = await replayRun(module.get(ReorderedWorkflow), exported);
    expect(reordered.departures).toMatchObject([{ kind: 'arguments', step: 'Payments.charge', blocks: true }]);
    expect(charged).toEqual([]);
  });
});
