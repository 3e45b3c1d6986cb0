import { RedflowError, type RedflowErrorOptions } from './redflow.error.js';

/** An option or argument was refused before anything was done or written. */
export class InvalidOptionError extends RedflowError {
  readonly code = 'INVALID_OPTION';
  /** Name of the option, as the caller wrote it. */
  readonly option: string;

  constructor(option: string, message: string, options?: RedflowErrorOptions) {
    super(message, options);
    this.option = option;
  }
}
