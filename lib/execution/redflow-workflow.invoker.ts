import { type ContextId, ContextIdFactory, ModuleRef } from '@nestjs/core';
import type { DiscoveredWorkflow, ProviderWrapper } from '../discovery/discovered-workflow.interface.js';
import { isStatic, memberOf } from '../discovery/redflow-provider.inspector.js';
import { runInputOf } from '../engine/framework.js';
import type { FailureHook, Handler, WorkflowContext } from '../engine/index.js';
import { callScope } from '../enhancers/call-scope.js';
import type { Method, PipeArguments, RedflowEnhancers } from '../enhancers/redflow-enhancers.js';
import { isStep } from '../metadata/redflow-metadata.accessor.js';
import type { MethodKey } from '../metadata/workflow-metadata.interface.js';
import { RedflowSetupError } from '../redflow.errors.js';
import { passedBy, withoutModule } from '../redflow.messages.js';
import { instanceWith } from './redflow-dto.schema.js';

type Methods = Record<MethodKey, Method>;

/** What every call is made for: a pass of a handler, or of a failure hook. */
interface CallContext {
  readonly run: { readonly workflow: string };
}

/**
 * The handler of a workflow: calls the provider's `run(ctx)`, or the method that is the workflow with `(input, ctx)`.
 *
 * @param enhancers of the application; none where there is no container
 * @throws RedflowSetupError for an enhancer that is bound to the method and cannot be called
 */
export function createHandler(workflow: DiscoveredWorkflow, enhancers?: RedflowEnhancers): Handler<unknown, unknown> {
  const { wrapper, target, method } = workflow;
  const key = method ?? 'run';
  const pipeArguments = method === undefined ? pipeInputOfContext : pipeInput;
  const enhanced = (provider: Methods, ctx: WorkflowContext, contextId?: ContextId): Method => {
    // A method that is a step as well has them around the step, once.
    const isEnhancedItself = method !== undefined && isStep(provider, key);
    if (!enhancers || isEnhancedItself) return (...args) => provider[key](...args);
    const call = { instance: provider, key, method: provider[key], contextId, pipeArguments };
    if (!runInputOf(ctx).isSettled) return enhancers.around(call);
    return enhancers.unrefused(call, (error) => ctx.logger.warn(passedBy(ctx.run.workflow, error)));
  };
  enhancers?.refuseAtBoot(memberOf(wrapper, target, key), isStatic(wrapper) ? undefined : wrapper.host);
  return createCall(wrapper, enhancers, (provider, ctx, contextId) => {
    const call = enhanced(provider, ctx, contextId);
    return method === undefined ? call(ctx) : call(ctx.input, ctx);
  });
}

/** The failure hook of a workflow class, if it has one. */
export function createFailureHook(
  { wrapper, failureHook }: DiscoveredWorkflow,
  enhancers?: RedflowEnhancers,
): FailureHook<unknown> | undefined {
  if (failureHook === undefined) return undefined;
  return createCall(wrapper, enhancers, (provider, failure) => provider[failureHook](failure));
}

const pipeInput: PipeArguments = async ([input, ctx], transform, [type]) => {
  const inputs = runInputOf(ctx as WorkflowContext);
  const revive = typeof type === 'function' ? (json: unknown) => instanceWith(type, json) : undefined;
  return [await inputs.throughPipes(input, (value) => transform(value, 0), revive), ctx];
};

const pipeInputOfContext: PipeArguments = async ([ctx], transform) => {
  const context = ctx as WorkflowContext & { input: unknown };
  context.input = await runInputOf(context).throughPipes(context.input, (value) => transform(value, 0));
  return [context];
};

/**
 * Calls a provider. Request-scoped and transient ones, and all that depend on such, get a new instance for every call, into which
 * `@Inject(REQUEST)` injects the context of the call.
 */
function createCall<C extends CallContext>(
  wrapper: ProviderWrapper,
  enhancers: RedflowEnhancers | undefined,
  call: (provider: Methods, ctx: C, contextId?: ContextId) => unknown,
) {
  const callInScope = (provider: Methods, ctx: C, contextId?: ContextId) =>
    enhancers ? callScope.run({ enhancers, contextId }, call, provider, ctx, contextId) : call(provider, ctx, contextId);
  if (isStatic(wrapper)) {
    // Read at each call: tracing tools replace the instance after the boot.
    return (ctx: C) => callInScope(wrapper.instance, ctx);
  }
  return async (ctx: C) => {
    // The module's own ModuleRef: another module may use the same token for something else.
    const moduleRef = wrapper.host?.getProviderByKey<ModuleRef>(ModuleRef).instance;
    if (!moduleRef) throw new RedflowSetupError(withoutModule(ctx.run.workflow));
    const contextId = ContextIdFactory.create();
    moduleRef.registerRequestByContextId(ctx, contextId);
    return callInScope(await moduleRef.resolve<Methods>(wrapper.token as string, contextId), ctx, contextId);
  };
}
