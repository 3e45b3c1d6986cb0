import type { ArgumentsHost } from '@nestjs/common';

/** What `ExecutionContext.getType()` answers around workflows and steps. */
export const REDFLOW_CONTEXT_TYPE = 'redflow';

/**
 * Whether a guard, interceptor or filter was called around a workflow or a step; `currentRun()` has the run then. The
 * arguments are those of the method: `run(ctx)` of a workflow class, `(input, ctx)` of a decorated method, its own of a step.
 *
 * @example
 * ```ts
 * canActivate(context: ExecutionContext): boolean {
 *   return isRedflowContext(context) ? isTrusted(currentRun()) : this.checkRequest(context.switchToHttp().getRequest());
 * }
 * ```
 */
export function isRedflowContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === REDFLOW_CONTEXT_TYPE;
}
