// The application of scripts/check-consumers.mjs, compiled against the packed package as an ES module and as CommonJS.
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedflowClient, RedflowModule, Step, Workflow, type WorkflowContext } from 'nestjs-redflow';
import { createClient } from 'nestjs-redflow/engine';

interface Order {
  cents: number;
}

@Injectable()
class Payments {
  @Step()
  async charge(cents: number): Promise<string> {
    return `charged ${cents}`;
  }

  @Step('receipt')
  async sendReceipt(charge: string): Promise<{ text: string }> {
    return { text: `receipt: ${charge}` };
  }
}

@Workflow('consumer-order')
class OrderWorkflow {
  constructor(private readonly payments: Payments) {}

  async run(ctx: WorkflowContext<Order>): Promise<{ text: string; attempt: number }> {
    const charge = await this.payments.charge(ctx.input.cents);
    const receipt = await this.payments.sendReceipt(charge);
    return { text: receipt.text, attempt: ctx.run.attempt };
  }
}

@Module({
  imports: [RedflowModule.forRoot({ url: process.env.CONSUMER_REDIS_URL, prefix: process.env.CONSUMER_PREFIX })],
  providers: [Payments, OrderWorkflow],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
  const handle = await app.get(RedflowClient).run(OrderWorkflow, { cents: 1250 });
  const output = await handle.result({ timeoutMs: 30_000 });
  console.log(output.text.toUpperCase(), output.attempt);
  await app.close();

  const client = createClient({ url: process.env.CONSUMER_REDIS_URL, prefix: process.env.CONSUMER_PREFIX });
  const steps = await client.getRunSteps(handle.id);
  console.log(steps.map((step) => `${step.name} ${step.status}`).join(', '));
  await client.close();
}

void main();
