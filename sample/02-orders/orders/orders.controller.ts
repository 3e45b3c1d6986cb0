import { Body, Controller, Get, Headers, HttpCode, NotFoundException, Param, Post, UseFilters } from '@nestjs/common';
import { RedflowClient } from 'nestjs-redflow';
import { Ledger } from '../outside/ledger.js';
import { FulfilOrder } from './fulfil-order.workflow.js';
import { type OrderSummary, type OrderView, toSummary, toView } from './order.view.js';
import { PlaceOrder } from './place-order.dto.js';
import { RedflowErrorFilter } from './redflow-error.filter.js';

/** Starts and shows orders. It executes none: that is what the worker processes are for. */
@Controller('orders')
@UseFilters(RedflowErrorFilter)
export class OrdersController {
  constructor(
    private readonly redflow: RedflowClient,
    private readonly ledger: Ledger,
  ) {}

  /**
   * Answers as soon as the order is safely in Redis. The same `Idempotency-Key` gives the same order. The workflow validates its
   * input, so no pipe does: what it refuses is answered with 400 and the issues.
   */
  @Post()
  @HttpCode(202)
  async place(
    @Body() order: PlaceOrder,
    @Headers('idempotency-key') idempotencyKey?: string,
  ): Promise<{ id: string; deduplicated: boolean }> {
    const { id, deduplicated } = await this.redflow.run(FulfilOrder, order, { idempotencyKey, onConflict: 'error' });
    return { id, deduplicated };
  }

  /** The newest 50. */
  @Get()
  async list(): Promise<OrderSummary[]> {
    const { items } = await this.redflow.listRuns({ workflow: 'fulfil-order' });
    return items.map(toSummary);
  }

  @Get(':id')
  async show(@Param('id') id: string): Promise<OrderView> {
    const run = await this.redflow.getRun(id);
    if (!run) throw new NotFoundException(`There is no order "${id}".`);
    return toView(run, await this.redflow.getRunSteps(id), await this.ledger.requestsOf(id));
  }
}
