import type { LoggerPort } from '../../core/api/values.types.js';
import { runScope } from '../../core/run-scope.js';

/** Adds the run and the running step to every line. */
export class RunLogger implements LoggerPort {
  constructor(
    private readonly logger: LoggerPort,
    private readonly run: { readonly id: string; readonly workflow: string },
  ) {}

  log(message: string, fields?: object): void {
    this.logger.log(message, this.fields(fields));
  }

  warn(message: string, fields?: object): void {
    this.logger.warn(message, this.fields(fields));
  }

  error(message: string, fields?: object): void {
    this.logger.error(message, this.fields(fields));
  }

  debug(message: string, fields?: object): void {
    this.logger.debug?.(message, this.fields(fields));
  }

  private fields(fields: object | undefined): object {
    const step = runScope.getStore()?.step?.name;
    return { runId: this.run.id, workflow: this.run.workflow, ...(step === undefined ? {} : { step }), ...fields };
  }
}
