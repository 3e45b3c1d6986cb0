import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import type { Handler, WorkflowContext } from './engine/index.js';
import type { ProviderWrapper } from './interfaces/discovered-workflow.interface.js';
import { RedflowSetupError } from './redflow.errors.js';
import { isStatic } from './redflow.explorer.js';
import { withoutModule } from './redflow.messages.js';

interface RunnableWorkflow {
  run(ctx: WorkflowContext): unknown;
}

/**
 * The handler that calls a provider's `run()`. Request-scoped and transient providers, and all that depend on such, get a new
 * instance for every pass, into which `@Inject(REQUEST)` injects the `WorkflowContext`.
 */
export function createHandler(wrapper: ProviderWrapper): Handler<unknown, unknown> {
  if (isStatic(wrapper)) {
    // Read at each call: tracing tools replace the instance after the boot.
    return (ctx) => (wrapper.instance as RunnableWorkflow).run(ctx);
  }
  return async (ctx) => {
    // The module's own ModuleRef: another module may use the same token for something else.
    const moduleRef = wrapper.host?.getProviderByKey<ModuleRef>(ModuleRef).instance;
    if (!moduleRef) throw new RedflowSetupError(withoutModule(ctx.run.workflow));
    const contextId = ContextIdFactory.create();
    moduleRef.registerRequestByContextId(ctx, contextId);
    const workflow = await moduleRef.resolve<RunnableWorkflow>(wrapper.token as string, contextId);
    return workflow.run(ctx);
  };
}
