import type { CreateOptions, RunHandle } from '../core/api/client.types.js';
import type { FailureHook, Handler, WorkflowDefinition, WorkflowOptions, WorkflowRegistry } from '../core/api/workflow.types.js';
import { checkObject } from '../core/checks/checks.js';
import { describeValue } from '../core/checks/describe-value.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { asRegistry, defaultRegistry } from '../core/workflows/registry.js';
import { resolveWorkflowOptions } from '../core/workflows/resolve-workflow.js';
import { getDefaultClient } from './default-client.js';

export interface WorkflowSource<I, O> extends WorkflowOptions<I> {
  handler: Handler<I, O>;
  /** Executed after a terminal failure of a run, never on cancellation: durable, retried, called again after a crash until it has completed. */
  onFailure?: FailureHook<I> | undefined;
  /** @default the default registry */
  registry?: WorkflowRegistry | undefined;
}

/**
 * Defines a workflow and registers it, so that workers of this process serve it and clients know it.
 *
 * @throws InvalidOptionError for wrong options, or a name that is taken
 * @example
 * const welcome = defineWorkflow('send-welcome', {
 *   handler: async (ctx: WorkflowContext<{ userId: string }>) => {
 *     const user = await ctx.step.run('fetch-user', () => users.find(ctx.input.userId));
 *     await ctx.step.waitFor('a-day-later', '1d');
 *     await ctx.step.run('send-mail', ({ idempotencyKey }) => mailer.send(user.email, { idempotencyKey }));
 *   },
 * });
 */
export function defineWorkflow<I, O>(name: string, source: WorkflowSource<I, O>): WorkflowDefinition<I, Awaited<O>> {
  checkObject(source, `the options of workflow ${describeValue(name)}, { handler, ... },`);
  const { handler, onFailure, registry = defaultRegistry, ...options } = source;
  if (typeof handler !== 'function') throw new InvalidOptionError('handler', `Workflow "${name}" needs a \`handler\` function`);
  if (onFailure !== undefined && typeof onFailure !== 'function') {
    throw new InvalidOptionError('onFailure', `Expected \`onFailure\` of workflow "${name}" to be a function`);
  }
  const target = asRegistry(registry);
  resolveWorkflowOptions(name, options as WorkflowOptions);
  const definition: WorkflowDefinition<I, Awaited<O>> = Object.freeze({
    name,
    options: Object.freeze(options),
    handler: handler as Handler<I, Awaited<O>>,
    ...(onFailure && { onFailure }),
    run: (input: I, createOptions?: CreateOptions): Promise<RunHandle<Awaited<O>>> =>
      getDefaultClient().run(definition, input, createOptions),
  });
  target.add(definition);
  return definition;
}
