import { type ArgumentsHost, BadRequestException, Catch } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { InputValidationError } from './engine/index.js';

/**
 * Answers HTTP requests with what their sender can mend: input that a workflow or an event refuses with 400 and the issues. A filter
 * that the application binds itself comes first. Requests of other kinds get the error as it is.
 */
@Catch(InputValidationError)
export class RedflowExceptionFilter extends BaseExceptionFilter<InputValidationError> {
  override catch(error: InputValidationError, host: ArgumentsHost): void {
    if (host.getType() !== 'http') return;
    const { message, issues } = error;
    const body = { statusCode: 400, error: 'Bad Request', message, issues };
    super.catch(new BadRequestException(body, { cause: error }) as never, host);
  }
}
