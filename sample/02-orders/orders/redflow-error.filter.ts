import { type ArgumentsHost, Catch, type ExceptionFilter, HttpStatus } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ConnectionError, IdempotencyConflictError, InvalidOptionError } from 'nestjs-redflow';

type KnownError = ConnectionError | IdempotencyConflictError | InvalidOptionError;

const STATUS: Record<KnownError['code'], HttpStatus> = {
  CONNECTION: HttpStatus.SERVICE_UNAVAILABLE,
  IDEMPOTENCY_CONFLICT: HttpStatus.CONFLICT,
  INVALID_OPTION: HttpStatus.BAD_REQUEST,
};

/** Tells HTTP clients what they can do about an error of redflow. */
@Catch(ConnectionError, IdempotencyConflictError, InvalidOptionError)
export class RedflowErrorFilter implements ExceptionFilter<KnownError> {
  constructor(private readonly host: HttpAdapterHost) {}

  catch({ code, message }: KnownError, context: ArgumentsHost): void {
    const statusCode = STATUS[code];
    this.host.httpAdapter.reply(context.switchToHttp().getResponse(), { statusCode, code, message }, statusCode);
  }
}
