// Added to the applications that scripts/check-consumers.mjs lets `nest new` generate.
import { Controller, Injectable, Module, Param, Post } from '@nestjs/common';
import { RedflowClient, RedflowModule, Step, Workflow, type WorkflowContext } from 'nestjs-redflow';

@Injectable()
export class Payments {
  @Step()
  async charge(orderId: string): Promise<{ receipt: string }> {
    return { receipt: `receipt for ${orderId}` };
  }
}

@Workflow('fulfil-order')
@Injectable()
export class FulfilOrder {
  constructor(private readonly payments: Payments) {}

  async run(ctx: WorkflowContext<string>): Promise<string> {
    const { receipt } = await this.payments.charge(ctx.input);
    await ctx.step.waitFor('cooling off', '14d');
    return receipt;
  }
}

@Controller('orders')
export class OrdersController {
  constructor(private readonly redflow: RedflowClient) {}

  @Post(':id')
  async place(@Param('id') id: string): Promise<string> {
    const handle = await this.redflow.run(FulfilOrder, id, { runId: id });
    return handle.result();
  }
}

@Module({ imports: [RedflowModule.forRoot()], controllers: [OrdersController], providers: [Payments, FulfilOrder] })
export class OrdersModule {}
