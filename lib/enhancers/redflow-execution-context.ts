import type { ArgumentsHost } from '@nestjs/common';

/** What `ExecutionContext.getType()` answers around workflows and steps. */
export const REDFLOW_CONTEXT_TYPE = 'redflow';

/**
 * Whether a guard, interceptor or filter was called around a workflow or a step; `currentRun()` has the run then. The
 * arguments are those of the method: `run(ctx)` of a workflow class, `(input, ctx)` of a decorated method, its own of a step.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class TenantGuard implements CanActivate {
 *   canActivate(context: ExecutionContext): boolean {
 *     const tags = isRedflowContext(context) ? currentRun()?.run.tags : context.switchToHttp().getRequest().headers;
 *     return tags?.tenant !== undefined;
 *   }
 * }
 * ```
 */
export function isRedflowContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === REDFLOW_CONTEXT_TYPE;
}
