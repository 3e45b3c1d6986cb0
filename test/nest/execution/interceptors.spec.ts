import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import {
  type CreateCall,
  type PassCall,
  type RedflowClient,
  RedflowModule,
  type RunInterceptor,
  Step,
  type StepCall,
  Workflow,
} from '../../../lib/index.js';
import { connection, withApp } from '../fixtures.js';

const release = new AsyncLocalStorage<unknown>();

/** A provider that is an interceptor, made by Nest. */
@Injectable()
class Tracing implements RunInterceptor {
  readonly seen: string[] = [];

  create({ workflow, headers }: CreateCall, next: () => Promise<{ runId: string }>) {
    headers.release = `of ${workflow}`;
    return next();
  }

  pass({ headers }: PassCall, next: () => Promise<unknown>) {
    return release.run(headers.release, next);
  }

  step({ name, attempt }: StepCall, next: () => Promise<unknown>) {
    this.seen.push(`${name}, attempt ${attempt}`);
    return next();
  }
}

@Module({ providers: [Tracing], exports: [Tracing] })
class TracingModule {}

@Injectable()
class Payments {
  @Step()
  async charge() {
    return release.getStore();
  }
}

@Workflow('order')
@Injectable()
class OrderWorkflow {
  constructor(private readonly payments: Payments) {}

  async run() {
    return [await this.payments.charge(), release.getStore()];
  }
}

describe('interceptors of the module', () => {
  const executed = async (client: RedflowClient) => (await client.runByName('order', null)).result();
  const providers = [Payments, OrderWorkflow];

  it('are around creations, passes and @Step() methods, also as providers by forRootAsync', async () => {
    const redflow = RedflowModule.forRootAsync({
      imports: [TracingModule],
      inject: [Tracing],
      useFactory: (tracing: Tracing) => connection({ interceptors: [tracing] }),
    });
    await withApp(
      { providers },
      async ({ client, module }) => {
        expect(await executed(client)).toEqual(['of order', 'of order']);
        expect(module.get(Tracing, { strict: false }).seen).toEqual(['Payments.charge, attempt 1']);
      },
      { redflow },
    );
  });

  it('are those that forRoot is given', async () => {
    const tracing = new Tracing();
    await withApp({ providers }, async ({ client }) => expect(await executed(client)).toEqual(['of order', 'of order']), {
      redflow: { interceptors: [tracing] },
    });
    expect(tracing.seen).toEqual(['Payments.charge, attempt 1']);
  });
});
