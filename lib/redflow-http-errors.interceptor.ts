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
import { catchError, type Observable, throwError } from 'rxjs';
import { InputValidationError, InvalidOptionError, RateLimitedError, RedflowError } from './engine/index.js';

/**
 * Gives Nest's exception layer the errors of ours that the sender of an HTTP request can do something about as what it answers: input that
 * a workflow or an event refuses as a `BadRequestException` with the issues, a cursor that no page came with as one without, a rate limit
 * as 429 with `Retry-After`. So the filters of the application treat them as they treat those of a `ValidationPipe`; one that names the
 * error itself gets it as it is.
 */
@Injectable()
export class RedflowHttpErrorsInterceptor implements NestInterceptor {
  constructor(
    private readonly config: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    return next.handle().pipe(catchError((error: unknown) => throwError(() => this.translate(error, context))));
  }

  private translate(error: unknown, context: ExecutionContext): unknown {
    if (error instanceof RedflowError && this.isNamed(error, context)) return error;
    if (error instanceof InputValidationError) return badRequest(error);
    if (error instanceof RateLimitedError) return this.tooManyRequests(error, context);
    const isCursor = error instanceof InvalidOptionError && error.option === 'cursor';
    return isCursor ? new BadRequestException(error.message, { cause: error }) : error;
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

  private tooManyRequests(cause: RateLimitedError, context: ExecutionContext): HttpException {
    const seconds = Math.ceil(cause.retryAfterMs / 1_000);
    this.adapterHost.httpAdapter.setHeader?.(context.switchToHttp().getResponse(), 'Retry-After', String(seconds));
    // The key of the limit may be somebody's name.
    const body = { statusCode: HttpStatus.TOO_MANY_REQUESTS, message: 'Too Many Requests', retryAfterMs: cause.retryAfterMs };
    return new HttpException(body, HttpStatus.TOO_MANY_REQUESTS, { cause });
  }
}

function badRequest(cause: InputValidationError): HttpException {
  const { message, issues } = cause;
  return new BadRequestException({ statusCode: HttpStatus.BAD_REQUEST, error: 'Bad Request', message, issues }, { cause });
}

/** The types of errors that a filter, given as a class or an instance, is for. */
function caughtBy(filter: unknown): Array<abstract new (...args: never[]) => unknown> {
  const type = typeof filter === 'function' ? filter : Object(filter).constructor;
  return Reflect.getMetadata(FILTER_CATCH_EXCEPTIONS, type) ?? [];
}
