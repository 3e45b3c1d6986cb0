import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import type { FailureHook, Handler } from './engine/index.js';
import type { DiscoveredWorkflow, ProviderWrapper } from './interfaces/discovered-workflow.interface.js';
import type { MethodKey } from './interfaces/workflow-metadata.interface.js';
import { RedflowSetupError } from './redflow.errors.js';
import { withoutModule } from './redflow.messages.js';
import { isStatic } from './redflow-provider.inspector.js';

type Methods = Record<MethodKey, (...args: unknown[]) => unknown>;

/** What every call is made for: a pass of a handler, or of a failure hook. */
interface CallContext {
  readonly run: { readonly workflow: string };
}

/** The handler of a workflow: calls the provider's `run(ctx)`, or the method that is the workflow with `(input, ctx)`. */
export function createHandler({ wrapper, method }: DiscoveredWorkflow): Handler<unknown, unknown> {
  if (method === undefined) return createCall(wrapper, (provider, ctx) => provider.run(ctx));
  return createCall(wrapper, (provider, ctx) => provider[method](ctx.input, ctx));
}

/** The failure hook of a workflow class, if it has one. */
export function createFailureHook({ wrapper, failureHook }: DiscoveredWorkflow): FailureHook<unknown> | undefined {
  return failureHook === undefined ? undefined : createCall(wrapper, (provider, failure) => provider[failureHook](failure));
}

/**
 * Calls a provider. Request-scoped and transient ones, and all that depend on such, get a new instance for every call, into which
 * `@Inject(REQUEST)` injects the context of the call.
 */
function createCall<C extends CallContext>(wrapper: ProviderWrapper, call: (provider: Methods, ctx: C) => unknown) {
  if (isStatic(wrapper)) {
    // Read at each call: tracing tools replace the instance after the boot.
    return (ctx: C) => call(wrapper.instance, ctx);
  }
  return async (ctx: C) => {
    // The module's own ModuleRef: another module may use the same token for something else.
    const moduleRef = wrapper.host?.getProviderByKey<ModuleRef>(ModuleRef).instance;
    if (!moduleRef) throw new RedflowSetupError(withoutModule(ctx.run.workflow));
    const contextId = ContextIdFactory.create();
    moduleRef.registerRequestByContextId(ctx, contextId);
    return call(await moduleRef.resolve<Methods>(wrapper.token as string, contextId), ctx);
  };
}
