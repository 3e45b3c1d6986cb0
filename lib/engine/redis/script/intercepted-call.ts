import type { OperationCall, RunInterceptor } from '../../core/api/interceptor.types.js';
import type { LoggerPort } from '../../core/api/values.types.js';
import { type Interceptors, isOther } from '../../core/interceptors.js';
import { describeError, errorForLog } from '../../core/payload/stored-error.js';

/** What looks at the calls of a connection. */
export interface CallInterception {
  readonly operation: NonNullable<RunInterceptor['operation']>;
  readonly logger: LoggerPort;
}

export function interceptionOf(options: { interceptors: Interceptors; logger: LoggerPort }): CallInterception | undefined {
  const { operation } = options.interceptors;
  return operation && { operation, logger: options.logger };
}

/**
 * Makes a call through the interceptors. They neither keep it from happening nor delay it or its answer, and a failure of theirs is none of the
 * call: it would be taken for one of Redis, and the runs that share the call would suffer from it.
 */
export function callIntercepted<T>(
  { operation, logger }: CallInterception,
  call: OperationCall,
  make: () => Promise<T>,
): Promise<T> {
  let answer: Promise<T> | undefined;
  const made = (): Promise<T> => {
    answer ??= make();
    return answer;
  };
  const told = operation(call, async () => void (await made()));
  told.catch(async (error: unknown) => {
    const message = `An interceptor's \`operation\` failed: ${describeError(error)}`;
    if (await isOther(error, made())) logger.warn(message, { error: errorForLog(error) });
  });
  return made();
}
