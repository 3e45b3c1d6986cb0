import { type ArgumentsHost, Catch, type ExceptionFilter, HttpStatus } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ConnectionError, IdempotencyConflictError, InvalidOptionError, RateLimitedError } from 'nestjs-redflow';

type KnownError = ConnectionError | IdempotencyConflictError | InvalidOptionError | RateLimitedError;

const STATUS: Record<KnownError['code'], HttpStatus> = {
  CONNECTION: HttpStatus.SERVICE_UNAVAILABLE,
  IDEMPOTENCY_CONFLICT: HttpStatus.CONFLICT,
  INVALID_OPTION: HttpStatus.BAD_REQUEST,
  RATE_LIMITED: HttpStatus.TOO_MANY_REQUESTS,
};

/** Tells HTTP clients what they can do about an error of redflow. */
@Catch(ConnectionError, IdempotencyConflictError, InvalidOptionError, RateLimitedError)
export class RedflowErrorFilter implements ExceptionFilter<KnownError> {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: KnownError, context: ArgumentsHost): void {
    const { code, message } = error;
    const { httpAdapter } = this.host;
    const response = context.switchToHttp().getResponse();
    if (error instanceof RateLimitedError)
      httpAdapter.setHeader(response, 'Retry-After', `${Math.ceil(error.retryAfterMs / 1_000)}`);
    httpAdapter.reply(response, { statusCode: STATUS[code], code, message }, STATUS[code]);
  }
}
