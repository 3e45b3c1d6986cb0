import {
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  HttpException,
  HttpStatus,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA, FILTER_CATCH_EXCEPTIONS } from '@nestjs/common/constants.js';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { catchError, type Observable } from 'rxjs';
import { InputValidationError, InvalidOptionError, RateLimitedError, RedflowError } from '../engine/index.js';

/** What the sender of a request or message is told of an error of ours that he can do something about. */
interface Refusal {
  readonly status: HttpStatus.BAD_REQUEST | HttpStatus.TOO_MANY_REQUESTS;
  readonly code: string;
  readonly message: string;
  /** What the sender needs beyond the message. */
  readonly fields: { readonly issues?: InputValidationError['issues']; readonly retryAfterMs?: number };
  readonly cause: RedflowError;
}

/** What the exception layer of a transport passes on. */
type Form = (refusal: Refusal, context: ExecutionContext) => unknown;

/**
 * Gives Nest's exception layer the errors of ours that the sender of a request or message can do something about in the form that it passes
 * on: input that a workflow or an event refuses with its issues, a cursor that no page came with, and rate limits with the time after which to
 * try again.
 *
 * | Context | Refused | Rate limit |
 * |---|---|---|
 * | `http` | `BadRequestException` | `HttpException` 429, with `Retry-After` |
 * | `graphql` | `BadRequestException`, `extensions.code` is `BAD_USER_INPUT` | `HttpException` 429, `extensions.code` is `RATE_LIMITED` |
 * | `rpc` | `RpcException` with `{ status: 'error', code, message, issues }` | the same with `retryAfterMs` |
 * | `ws` | `WsException`, as for `rpc` | as for `rpc` |
 *
 * So the filters of the application treat them as they treat those of a `ValidationPipe`; one that names the error itself gets it as it is.
 *
 * `RedflowModule` registers it for the whole application, unless its option `httpErrors` is `false`. Nest leaves such interceptors out for
 * gateways (before version 12) and for microservices that are connected without `inheritAppConfig`: bind it there.
 *
 * @example
 * ```ts
 * import { UseInterceptors } from '@nestjs/common';
 * import { WebSocketGateway } from '@nestjs/websockets';
 *
 * @WebSocketGateway()
 * @UseInterceptors(RedflowErrorsInterceptor)
 * export class OrdersGateway {}
 * ```
 */
@Injectable()
export class RedflowErrorsInterceptor implements NestInterceptor {
  private readonly forms: Readonly<Record<string, Form>> = {
    http: (refusal, context) => this.httpException(refusal, context),
    graphql: graphqlException,
    rpc: rpcException,
    ws: wsException,
  };

  constructor(
    private readonly config: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const form = this.forms[context.getType<string>()];
    if (!form) return next.handle();
    return next.handle().pipe(
      catchError(async (error: unknown) => {
        const refusal = refusalOf(error);
        throw refusal && !this.isNamed(refusal.cause, context) ? await form(refusal, context) : error;
      }),
    );
  }

  /** Whether a filter that may get the error is for errors of ours, not for all there are. */
  private isNamed(error: RedflowError, context: ExecutionContext): boolean {
    const bound = [context.getClass(), context.getHandler()].flatMap(
      (target): unknown[] => Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, target) ?? [],
    );
    const scoped = this.config.getGlobalRequestFilters().map(({ metatype }) => metatype);
    return [...bound, ...this.config.getGlobalFilters(), ...scoped]
      .flatMap((filter) => caughtBy(filter))
      .some((type) => (type === RedflowError || type.prototype instanceof RedflowError) && error instanceof type);
  }

  private httpException(refusal: Refusal, context: ExecutionContext): HttpException {
    const { status, fields } = refusal;
    if (fields.retryAfterMs !== undefined) {
      const seconds = Math.ceil(fields.retryAfterMs / 1_000);
      this.adapterHost.httpAdapter.setHeader?.(context.switchToHttp().getResponse(), 'Retry-After', String(seconds));
    }
    return exceptionOf(refusal, { statusCode: status });
  }
}

function refusalOf(cause: unknown): Refusal | undefined {
  if (cause instanceof RateLimitedError) {
    const { code, retryAfterMs } = cause;
    // The key of the limit, which the error's own message has, may be somebody's name.
    return { status: HttpStatus.TOO_MANY_REQUESTS, code, message: 'Too Many Requests', fields: { retryAfterMs }, cause };
  }
  const isInput = cause instanceof InputValidationError;
  if (!isInput && !(cause instanceof InvalidOptionError && cause.option === 'cursor')) return undefined;
  const { code, message } = cause;
  return { status: HttpStatus.BAD_REQUEST, code, message, fields: isInput ? { issues: cause.issues } : {}, cause };
}

function exceptionOf({ status, message, fields, cause }: Refusal, more: object): HttpException {
  if (status !== HttpStatus.BAD_REQUEST) return new HttpException({ ...more, message, ...fields }, status, { cause });
  return new BadRequestException({ ...more, error: 'Bad Request', message, ...fields }, { cause });
}

/** GraphQL adopts the `extensions` of what is thrown. Nest's Apollo driver would replace them by its own, had the response a `statusCode`. */
function graphqlException(refusal: Refusal): HttpException {
  const code = refusal.status === HttpStatus.BAD_REQUEST ? 'BAD_USER_INPUT' : refusal.code;
  return Object.assign(exceptionOf(refusal, {}), { extensions: { code, ...refusal.fields } });
}

/** The default filter of microservices passes on its own exceptions only, by `instanceof`. Who has such a context has the package. */
async function rpcException(refusal: Refusal): Promise<unknown> {
  const loaded = await import('@nestjs/microservices').catch(() => undefined);
  return loaded ? new loaded.RpcException(messageOf(refusal)) : refusal.cause;
}

/** As {@link rpcException}, of gateways. */
async function wsException(refusal: Refusal): Promise<unknown> {
  const loaded = await import('@nestjs/websockets').catch(() => undefined);
  return loaded ? new loaded.WsException(messageOf(refusal)) : refusal.cause;
}

function messageOf({ code, message, fields }: Refusal): object {
  return { status: 'error', code, message, ...fields };
}

/** The types of errors that a filter, given as a class or an instance, is for. */
function caughtBy(filter: unknown): Array<abstract new (...args: never[]) => unknown> {
  const type = typeof filter === 'function' ? filter : Object(filter).constructor;
  return Reflect.getMetadata(FILTER_CATCH_EXCEPTIONS, type) ?? [];
}
