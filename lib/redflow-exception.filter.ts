import { type ArgumentsHost, BadRequestException, Catch, HttpException, HttpStatus } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { InputValidationError, RateLimitedError } from './engine/index.js';

/**
 * Answers HTTP requests with what their sender can do about it: input that a workflow or an event refuses with 400 and the issues, a rate
 * limit with 429 and `Retry-After`. A filter that the application binds itself comes first. Requests of other kinds get the error as it is.
 */
@Catch(InputValidationError, RateLimitedError)
export class RedflowExceptionFilter extends BaseExceptionFilter {
  override catch(error: InputValidationError | RateLimitedError, host: ArgumentsHost): void {
    if (host.getType() !== 'http') return;
    super.catch(error instanceof InputValidationError ? badRequest(error) : this.tooManyRequests(error, host), host);
  }

  private tooManyRequests(cause: RateLimitedError, host: ArgumentsHost): HttpException {
    const seconds = Math.ceil(cause.retryAfterMs / 1_000);
    this.httpAdapterHost?.httpAdapter.setHeader?.(host.switchToHttp().getResponse(), 'Retry-After', String(seconds));
    // The key of the limit may be somebody's name.
    const body = { statusCode: HttpStatus.TOO_MANY_REQUESTS, message: 'Too Many Requests', retryAfterMs: cause.retryAfterMs };
    return new HttpException(body, HttpStatus.TOO_MANY_REQUESTS, { cause });
  }
}

function badRequest(cause: InputValidationError): HttpException {
  const { message, issues } = cause;
  return new BadRequestException({ statusCode: HttpStatus.BAD_REQUEST, error: 'Bad Request', message, issues }, { cause });
}
