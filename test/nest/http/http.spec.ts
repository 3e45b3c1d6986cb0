import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentMetadata,
  type ArgumentsHost,
  Body,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
  type INestApplication,
  Injectable,
  Module,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
  Post,
  type Provider,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { IsPositive } from 'class-validator';
import type { Observable } from 'rxjs';
import {
  defineEvent,
  InputValidationError,
  RedflowClient,
  RedflowErrorsInterceptor,
  RedflowModule,
  type StandardSchemaV1,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { connection } from '../fixtures.js';

class Payment {
  @IsPositive()
  cents!: number;
}

@Workflow({ name: 'pay', input: Payment })
class PayWorkflow {
  async run(_ctx: WorkflowContext<Payment>): Promise<void> {}
}

@Workflow<{ customer: string }>({
  name: 'limited',
  rateLimit: { key: ({ customer }) => customer, limit: 1, period: '1m' },
})
class LimitedWorkflow {
  async run(_ctx: WorkflowContext<{ customer: string }>): Promise<void> {}
}

const refusing: StandardSchemaV1<{ id: string }> = {
  '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'must be known', path: ['id'] }] }) },
};
const paid = defineEvent('paid', { schema: refusing });

@Catch(InputValidationError)
class OwnFilter implements ExceptionFilter {
  catch(error: InputValidationError, host: Parameters<ExceptionFilter['catch']>[1]): void {
    host.switchToHttp().getResponse().status(422).json({ own: error.issues.length });
  }
}

@Controller()
class PaymentsController {
  constructor(private readonly client: RedflowClient) {}

  @Post('pay')
  async pay(@Body() body: Payment): Promise<string> {
    return (await this.client.run(PayWorkflow, body)).id;
  }

  @Post('paid')
  async paid(@Body() body: { id: string }): Promise<void> {
    await this.client.emitEvent(paid, body);
  }

  @Post('limited')
  async limited(@Body() body: { customer: string }): Promise<void> {
    await this.client.run(LimitedWorkflow, body);
  }

  @Post('bound')
  @UseInterceptors(RedflowErrorsInterceptor)
  async bound(@Body() body: Payment): Promise<void> {
    await this.client.run(PayWorkflow, body);
  }

  @Post('own')
  @UseFilters(OwnFilter)
  async own(@Body() body: Payment): Promise<void> {
    await this.client.run(PayWorkflow, body);
  }

  @Post('list')
  async list(@Body() body: { cursor: string }): Promise<unknown> {
    return this.client.listRuns({ cursor: body.cursor });
  }

  @Post('fails')
  async fails(): Promise<void> {
    throw new TypeError('something else');
  }
}

/** As in Nest's documentation: whatever is no HttpException is a 500. */
@Catch()
class EverythingFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const status = error instanceof HttpException ? error.getStatus() : 500;
    const body = error instanceof HttpException ? error.getResponse() : { unknown: String(error) };
    host.switchToHttp().getResponse().status(status).json({ enveloped: body });
  }
}

const unprepared = (): void => {};

async function withServer<T>(
  metadata: ModuleMetadata,
  use: (post: (path: string, body: object) => Promise<Response>) => Promise<T>,
  prepare: (app: INestApplication) => void = unprepared,
) {
  const imports = [RedflowModule.forRoot(connection({ worker: false }))];
  const app = (await Test.createTestingModule({ imports, ...metadata }).compile()).createNestApplication({ logger: false });
  prepare(app);
  try {
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const headers = { 'content-type': 'application/json' };
    return await use((path, body) => fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
  } finally {
    await app.close();
  }
}

const metadata = { controllers: [PaymentsController], providers: [PayWorkflow, LimitedWorkflow] };

describe('an error that leaves a controller', () => {
  it('answers refused input with 400 and the issues, and starts what is right', async () => {
    await withServer(metadata, async (post) => {
      const refused = await post('pay', { cents: -1 });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toEqual({
        statusCode: 400,
        error: 'Bad Request',
        message: 'Input of workflow "pay" is invalid: cents: cents must be a positive number',
        issues: [{ path: 'cents', message: 'cents must be a positive number' }],
      });
      expect((await post('pay', { cents: 1 })).status).toBe(201);
    });
  });

  it('answers refused event data alike', async () => {
    await withServer(metadata, async (post) => {
      const refused = await post('paid', { id: 'x' });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ issues: [{ path: 'id', message: 'must be known' }] });
    });
  });

  it('answers a rate limit with 429 and when to come back, and keeps the key to itself', async () => {
    await withServer(metadata, async (post) => {
      expect((await post('limited', { customer: 'Ada' })).status).toBe(201);
      const refused = await post('limited', { customer: 'Ada' });
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await refused.json()).toEqual({ statusCode: 429, message: 'Too Many Requests', retryAfterMs: expect.any(Number) });
    });
  });

  it('answers a cursor that no page came with with 400', async () => {
    await withServer(metadata, async (post) => {
      const refused = await post('list', { cursor: 'abc' });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ message: expect.stringContaining('the one that the page before came with') });
    });
  });

  it.each<[string, DynamicModule]>([
    ['forRoot()', RedflowModule.forRoot(connection({ worker: false, httpErrors: false }))],
    ['forRootAsync()', RedflowModule.forRootAsync({ useFactory: () => connection({ worker: false, httpErrors: false }) })],
  ])('is left as it is with httpErrors: false of %s, but where the interceptor is bound', async (_how, redflow) => {
    await withServer(
      { ...metadata, imports: [redflow] },
      async (post) => {
        expect((await post('bound', { cents: -1 })).status).toBe(400);
        const refused = await post('pay', { cents: -1 });
        expect(refused.status).toBe(500);
        expect(await refused.json()).toEqual({ enveloped: { unknown: expect.stringContaining('InputValidationError') } });
        expect((await post('pay', { cents: 1 })).status).toBe(201);
      },
      (app) => app.useGlobalFilters(new EverythingFilter()),
    );
  });

  @Module({ providers: [{ provide: APP_FILTER, useClass: EverythingFilter }] })
  class FiltersModule {}
  const provided = (filter: Provider): ModuleMetadata => ({ ...metadata, providers: [...(metadata.providers ?? []), filter] });

  it.each<[string, ModuleMetadata, (app: INestApplication) => void]>([
    ['bound to the application', metadata, (app) => app.useGlobalFilters(new EverythingFilter())],
    ['provided in the root module', provided({ provide: APP_FILTER, useClass: EverythingFilter }), unprepared],
    [
      'provided in another module',
      { ...metadata, imports: [RedflowModule.forRoot(connection({ worker: false })), FiltersModule] },
      unprepared,
    ],
    ['that is request-scoped', provided({ provide: APP_FILTER, useClass: EverythingFilter, scope: Scope.REQUEST }), unprepared],
  ])('is an HttpException to a filter for everything, %s', async (_where, appMetadata, prepare) => {
    await withServer(
      appMetadata,
      async (post) => {
        const refused = await post('pay', { cents: -1 });
        expect(refused.status).toBe(400);
        expect(await refused.json()).toMatchObject({ enveloped: { issues: [{ path: 'cents' }] } });
        expect((await post('fails', {})).status).toBe(500);
        await post('limited', { customer: 'Ada' });
        const limited = await post('limited', { customer: 'Ada' });
        expect([limited.status, Number(limited.headers.get('retry-after')) > 0]).toEqual([429, true]);
      },
      prepare,
    );
  });

  it.each<[string, Provider]>([
    ['', { provide: APP_FILTER, useClass: OwnFilter }],
    [' that is request-scoped', { provide: APP_FILTER, useClass: OwnFilter, scope: Scope.REQUEST }],
  ])('is itself to a filter of the application that names it%s', async (_kind, filter) => {
    await withServer(provided(filter), async (post) => {
      expect((await post('pay', { cents: -1 })).status).toBe(422);
      await post('limited', { customer: 'Ada' });
      expect((await post('limited', { customer: 'Ada' })).status).toBe(429);
    });
  });

  it('is left to a filter that the application binds, and other errors are none of it', async () => {
    await withServer(metadata, async (post) => {
      const own = await post('own', { cents: -1 });
      expect([own.status, await own.json()]).toEqual([422, { own: 1 }]);
      expect((await post('fails', {})).status).toBe(500);
    });
  });
});

describe('enhancers of an HTTP application', () => {
  it('of any kind and registration are called for its requests, never for its workflows', async () => {
    const seen = new Set<string>();
    const note = (kind: string, host: ArgumentsHost) => seen.add(`${kind} ${host.getType()}`);
    class Spy implements CanActivate, NestInterceptor, PipeTransform, ExceptionFilter {
      canActivate(context: ExecutionContext): boolean {
        note('guard', context);
        return true;
      }

      intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
        note('interceptor', context);
        return next.handle();
      }

      transform(value: unknown, { type }: ArgumentMetadata): unknown {
        seen.add(`pipe ${type}`);
        return value;
      }

      catch(_error: unknown, host: ArgumentsHost): void {
        note('filter', host);
        host.switchToHttp().getResponse().status(418).json({});
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class ScopedSpy extends Spy {}
    class Local implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        note('bound guard', context);
        return true;
      }
    }
    @Injectable()
    class Kitchen {
      @Step()
      @UseGuards(Local)
      async boil(_liquid: string): Promise<void> {
        throw new RangeError('no water');
      }
    }
    @Workflow({ name: 'tea', maxAttempts: 1 })
    @UseGuards(Local)
    class TeaWorkflow {
      constructor(private readonly kitchen: Kitchen) {}

      async run(ctx: WorkflowContext<string>): Promise<void> {
        await this.kitchen.boil(ctx.input);
      }
    }
    @Controller()
    class TeaController {
      constructor(private readonly client: RedflowClient) {}

      @Post('tea')
      async tea(@Body() body: { liquid: string }): Promise<void> {
        await (await this.client.run(TeaWorkflow, body.liquid)).result();
      }
    }
    const tokens = [APP_GUARD, APP_INTERCEPTOR, APP_PIPE, APP_FILTER];
    const global = tokens.flatMap((provide) => [Spy, ScopedSpy].map((useClass) => ({ provide, useClass })));
    const imports = [RedflowModule.forRoot(connection())];
    await withServer(
      { controllers: [TeaController], providers: [TeaWorkflow, Kitchen, ...global], imports },
      async (post) => {
        expect((await post('tea', { liquid: 'water' })).status).toBe(418);
        expect(seen).toEqual(new Set(['guard http', 'interceptor http', 'pipe body', 'bound guard redflow', 'filter http']));
      },
      (app) => {
        const spy = new Spy();
        app.useGlobalGuards(spy).useGlobalInterceptors(spy).useGlobalPipes(spy).useGlobalFilters(spy);
      },
    );
  });
});
