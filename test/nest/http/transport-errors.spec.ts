import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Catch, Controller, type ExceptionFilter, HttpException, Injectable, UseFilters, UseInterceptors } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { type ClientProxy, ClientProxyFactory, MessagePattern, Payload, RpcException, Transport } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { IsPositive } from 'class-validator';
import { firstValueFrom, of, throwError } from 'rxjs';
import {
  InputValidationError,
  RedflowClient,
  RedflowErrorsInterceptor,
  RedflowModule,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { connection, withApp } from '../fixtures.js';

class Payment {
  @IsPositive()
  cents!: number;
}

@Workflow({ name: 'pay', input: Payment })
class PayWorkflow {
  async run(_ctx: WorkflowContext<Payment>): Promise<void> {}
}

@Workflow<string>({ name: 'limited', rateLimit: { key: (customer) => customer, limit: 1, period: '1m' } })
class LimitedWorkflow {
  async run(_ctx: WorkflowContext<string>): Promise<void> {}
}

const issues = [{ path: 'cents', message: 'cents must be a positive number' }];
const message = 'Input of workflow "pay" is invalid: cents: cents must be a positive number';
const refused = { status: 'error', code: 'INPUT_VALIDATION', message, issues };
const limited = { status: 'error', code: 'RATE_LIMITED', message: 'Too Many Requests', retryAfterMs: expect.any(Number) };

/** What handlers of all transports do. */
@Injectable()
class Payments {
  constructor(private readonly client: RedflowClient) {}

  async pay(input: Payment): Promise<string> {
    return (await this.client.run(PayWorkflow, input, { runId: 'paid' })).id;
  }

  async limited(customer: string): Promise<string> {
    await this.client.run(LimitedWorkflow, customer, { runId: 'first' });
    return (await this.client.run(LimitedWorkflow, customer)).id;
  }
}

const providers = [PayWorkflow, LimitedWorkflow, Payments];
const imports = () => [RedflowModule.forRoot(connection({ worker: false }))];

describe('an error that leaves a message handler of a microservice', () => {
  @Catch(InputValidationError)
  class OwnFilter implements ExceptionFilter {
    catch(error: InputValidationError) {
      return throwError(() => ({ own: error.issues.length }));
    }
  }

  @Controller()
  class PaymentsController {
    constructor(private readonly payments: Payments) {}

    @MessagePattern('pay')
    pay(@Payload() input: Payment): Promise<string> {
      return this.payments.pay(input);
    }

    @MessagePattern('limited')
    limited(@Payload() customer: string): Promise<string> {
      return this.payments.limited(customer);
    }

    @MessagePattern('own')
    @UseFilters(OwnFilter)
    own(@Payload() input: Payment): Promise<string> {
      return this.payments.pay(input);
    }

    @MessagePattern('fails')
    async fails(): Promise<never> {
      throw new TypeError('something else');
    }
  }

  @Controller()
  @UseInterceptors(RedflowErrorsInterceptor)
  class BoundController extends PaymentsController {}

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    return port;
  }

  const sendTo = async (client: ClientProxy, pattern: string, data: unknown) =>
    firstValueFrom(client.send(pattern, data as object)).catch((error) => ({ error }));

  async function withMicroservice(
    controller: typeof PaymentsController,
    isHybrid: boolean,
    use: (client: ClientProxy) => Promise<void>,
  ) {
    const module = await Test.createTestingModule({ imports: imports(), providers, controllers: [controller] }).compile();
    const options = { transport: Transport.TCP as const, options: { host: '127.0.0.1', port: await freePort() } };
    const app = isHybrid
      ? module.createNestApplication({ logger: false })
      : module.createNestMicroservice({ ...options, logger: false });
    const client = ClientProxyFactory.create(options);
    try {
      if ('connectMicroservice' in app) {
        app.connectMicroservice(options);
        await app.startAllMicroservices();
        await app.init();
      } else await app.listen();
      await use(client);
    } finally {
      await client.close();
      await app.close();
    }
  }

  it.each([
    ['a microservice', PaymentsController, false],
    ['a hybrid application, with the interceptor bound', BoundController, true],
  ])('is an RpcException with the issues, or the time to wait: %s', async (_kind, controller, isHybrid) => {
    await withMicroservice(controller, isHybrid, async (client) => {
      expect(await sendTo(client, 'pay', { cents: -1 })).toEqual({ error: refused });
      expect(await sendTo(client, 'pay', { cents: 1 })).toBe('paid');
      expect(await sendTo(client, 'limited', 'Ada')).toEqual({ error: limited });
      expect(await sendTo(client, 'own', { cents: -1 })).toEqual({ error: { own: 1 } });
      expect(await sendTo(client, 'fails', {})).toEqual({ error: { status: 'error', message: 'Internal server error' } });
    });
  });

  it('reaches filters for RpcException', async () => {
    const caught: unknown[] = [];
    @Catch(RpcException)
    class RpcFilter implements ExceptionFilter {
      catch(error: RpcException) {
        caught.push(error.cause ?? error.getError());
        return of('filtered');
      }
    }
    @Controller()
    @UseFilters(RpcFilter)
    class FilteredController extends PaymentsController {}
    await withMicroservice(FilteredController, false, async (client) => {
      expect(await sendTo(client, 'pay', { cents: -1 })).toBe('filtered');
      expect(caught).toEqual([refused]);
    });
  });
});

describe('an error that leaves a gateway', () => {
  interface Socket {
    on(event: 'message', listener: (data: Buffer) => void): void;
    once(event: 'open', listener: () => void): void;
    send(text: string): void;
    close(): void;
  }
  const { WebSocket } = createRequire(import.meta.url)('ws') as { WebSocket: new (url: string) => Socket };

  @WebSocketGateway()
  class PaymentsGateway {
    constructor(private readonly payments: Payments) {}

    @SubscribeMessage('pay')
    async pay(@MessageBody() input: Payment) {
      return { event: 'paid', data: await this.payments.pay(input) };
    }

    @SubscribeMessage('limited')
    async limited(@MessageBody() customer: string) {
      return { event: 'paid', data: await this.payments.limited(customer) };
    }
  }

  @WebSocketGateway()
  @UseInterceptors(RedflowErrorsInterceptor)
  class BoundGateway extends PaymentsGateway {}

  it.each([
    ['as it is', PaymentsGateway],
    ['with the interceptor bound, as Nest 11 needs it', BoundGateway],
  ])('is a WsException with the issues, or the time to wait: %s', async (_kind, gateway) => {
    const module = await Test.createTestingModule({ imports: imports(), providers: [...providers, gateway] }).compile();
    const app = module.createNestApplication({ logger: false });
    app.useWebSocketAdapter(new WsAdapter(app));
    try {
      await app.listen(0, '127.0.0.1');
      const socket = new WebSocket((await app.getUrl()).replace('http', 'ws'));
      await new Promise<void>((resolve) => socket.once('open', resolve));
      const send = (event: string, data: unknown) =>
        new Promise((resolve) => {
          socket.on('message', (text) => resolve(JSON.parse(String(text))));
          socket.send(JSON.stringify({ event, data }));
        });
      expect(await send('pay', { cents: -1 })).toEqual({ event: 'exception', data: refused });
      expect(await send('pay', { cents: 1 })).toEqual({ event: 'paid', data: 'paid' });
      expect(await send('limited', 'Ada')).toEqual({ event: 'exception', data: limited });
      socket.close();
    } finally {
      await app.close();
    }
  });
});

describe('an error that leaves a resolver of GraphQL', () => {
  @Injectable()
  class PaymentsResolver {
    constructor(private readonly payments: Payments) {}

    pay(input: Payment): Promise<string> {
      return this.payments.pay(input);
    }

    limited(customer: string): Promise<string> {
      return this.payments.limited(customer);
    }
  }

  it('has the code and the issues, or the time to wait, as extensions', async () => {
    const metadata = { providers: [...providers, PaymentsResolver] };
    await withApp(
      metadata,
      async ({ module }) => {
        const resolver = module.get(PaymentsResolver);
        // As @nestjs/graphql calls resolvers.
        const creator = module.get(ExternalContextCreator, { strict: false });
        const resolve = async (method: 'pay' | 'limited', argument: unknown) => {
          const handler = resolver[method] as (argument: unknown) => Promise<string>;
          const options = { guards: true, filters: true, interceptors: true };
          const called = creator.create(
            resolver,
            handler,
            method,
            undefined,
            undefined,
            undefined,
            undefined,
            options,
            'graphql',
          );
          return called(argument).catch((error: unknown) => error);
        };
        const error = await resolve('pay', { cents: -1 });
        expect(error).toBeInstanceOf(HttpException);
        expect(error).toMatchObject({
          message,
          extensions: { code: 'BAD_USER_INPUT', issues },
          cause: expect.any(InputValidationError),
        });
        // Nest's Apollo driver puts a code of its own in the place of that of an HttpException whose response has a status code.
        expect((error as HttpException).getResponse()).not.toHaveProperty('statusCode');
        expect(await resolve('pay', { cents: 1 })).toBe('paid');
        expect(await resolve('limited', 'Ada')).toMatchObject({
          message: 'Too Many Requests',
          extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) },
        });
      },
      { redflow: { worker: false } },
    );
  });
});
