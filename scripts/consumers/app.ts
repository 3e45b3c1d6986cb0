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
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import {
  isRedflowContext,
  RedflowClient,
  RedflowModule,
  type RedflowModuleOptions,
  Step,
  Workflow,
  type WorkflowContext,
} from 'nestjs-redflow';
import { createClient, type StartWorkerOptions } from 'nestjs-redflow/engine';
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

const url = process.env.CONSUMER_REDIS_URL as string;

/** The application's own client, of the ioredis that it has itself. */
const redis = new Redis(url, { lazyConnect: true });

/** Whatever else says where Redis is has the types of that ioredis, too. */
export function connections(options: RedisOptions): [RedflowModuleOptions, StartWorkerOptions] {
  return [{ connection: new Cluster([options], { lazyConnect: true }) }, { connection: options }];
}

@Module({
  imports: [
    RedflowModule.forRoot({
      connection: redis,
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

  const client = createClient({ connection: redis, prefix: process.env.CONSUMER_PREFIX });
  const steps = await client.getRunSteps(handle.id);
  console.log(steps.map((step) => `${step.name} ${step.status}`).join(', '));
  await client.close();

  // ioredis 5 goes on in database 0 when the server refuses another.
  const connection = new Redis(url, { db: 99_999, lazyConnect: true });
  const lost = createClient({ connection, connectTimeoutMs: 1 });
  console.log(await lost.connect().catch((error: Error) => /DB index is out of range/.exec(error.message)?.[0]));
  await lost.close();

  // Others use its address; itself is the application's, from its first command to its end.
  console.log('its own client says', await redis.ping());
  await redis.quit();
}

void main();
