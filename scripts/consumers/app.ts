// The application of scripts/check-consumers.mjs, compiled against the packed package as an ES module and as CommonJS.
import 'reflect-metadata';
import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  Module,
  type NestInterceptor,
  type OnModuleDestroy,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { isRedflowContext, RedflowClient, RedflowModule, Step, Workflow, type WorkflowContext } from 'nestjs-redflow';
import { createClient } from 'nestjs-redflow/engine';
import { map, type Observable } from 'rxjs';

interface Order {
  cents: number;
}

@Injectable()
class RedflowGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return isRedflowContext(context);
  }
}

@Injectable()
class TwiceInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value) => `${value} twice`));
  }
}

@Injectable()
class Payments implements OnModuleDestroy {
  private isGone = false;

  onModuleDestroy(): void {
    this.isGone = true;
  }

  /** Once the application closes, the worker hands the run back; says whether this provider still works then. */
  async hold(signal: AbortSignal): Promise<void> {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    console.log(this.isGone ? 'handed back too late' : 'handed back in time');
  }

  @Step()
  @UseInterceptors(TwiceInterceptor)
  async charge(cents: number): Promise<string> {
    return `charged ${cents}`;
  }

  @Step('receipt')
  async sendReceipt(charge: string): Promise<{ text: string }> {
    return { text: `receipt: ${charge}` };
  }
}

@Workflow('consumer-order')
@UseGuards(RedflowGuard)
class OrderWorkflow {
  constructor(private readonly payments: Payments) {}

  async run(ctx: WorkflowContext<Order>): Promise<{ text: string; attempt: number }> {
    const charge = await this.payments.charge(ctx.input.cents);
    const receipt = await this.payments.sendReceipt(charge);
    return { text: receipt.text, attempt: ctx.run.attempt };
  }
}

let isHeld = () => {};
const held = new Promise<void>((resolve) => {
  isHeld = resolve;
});

@Workflow('consumer-hold')
class HoldWorkflow {
  constructor(private readonly payments: Payments) {}

  async run(ctx: WorkflowContext<null>): Promise<void> {
    isHeld();
    await this.payments.hold(ctx.signal);
  }
}

@Module({
  imports: [
    RedflowModule.forRoot({
      url: process.env.CONSUMER_REDIS_URL,
      prefix: process.env.CONSUMER_PREFIX,
      worker: { shutdownTimeoutMs: 1 },
    }),
  ],
  providers: [Payments, OrderWorkflow, HoldWorkflow],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
  const handle = await app.get(RedflowClient).run(OrderWorkflow, { cents: 1250 });
  const output = await handle.result({ timeoutMs: 30_000 });
  console.log(output.text.toUpperCase(), output.attempt);
  await app.get(RedflowClient).run(HoldWorkflow, null);
  await held;
  await app.close();

  const client = createClient({ url: process.env.CONSUMER_REDIS_URL, prefix: process.env.CONSUMER_PREFIX });
  const steps = await client.getRunSteps(handle.id);
  console.log(steps.map((step) => `${step.name} ${step.status}`).join(', '));
  await client.close();
}

void main();
