import type { WorkflowDefinition } from '../../engine/index.js';
import {
  type AnyInlineWorkflow,
  executeInline,
  type InlineResult,
  type RunInlineOptions,
  type WorkflowInstance,
} from '../../engine/memory/index.js';
import { RedflowSetupError } from '../../redflow.errors.js';
import { describeInstance } from './describe-instance.js';

/**
 * Runs a workflow in this process, without Redis: the engine's own steps, retries, compensations and failure hook, on a store in
 * memory. Time is virtual: sleeps, backoffs and timeouts of waits pass at once, in their order; functions of steps take the
 * time they take. Every park replays the handler, as it does in production.
 *
 * Waits for events that are not overridden get null. Children known by definition, by class or through `children` run as well;
 * `emitWorkflow` and `emitEvent` are recorded and start nothing.
 *
 * @param workflow a definition, or an instance of a workflow class, with whatever its constructor was given
 * @returns what became of the run; it rejects only if the call itself is wrong
 * @throws InvalidOptionError for wrong options, a child that is not known, or an override of a step that was not called
 * @example
 * const result = await runInline(new CheckoutWorkflow(payments), {
 *   input: { orderId: 'o1' },
 *   stepOverrides: { charge: { id: 'ch_1' }, approval: { data: { approved: true } } },
 * });
 * expect(result.output).toEqual({ chargeId: 'ch_1' });
 */
export function runInline<I, O>(
  workflow: WorkflowDefinition<I, O>,
  options: RunInlineOptions<I>,
): Promise<InlineResult<Awaited<O>>>;
export function runInline<I, O>(
  workflow: WorkflowInstance<I, O>,
  options: RunInlineOptions<I>,
): Promise<InlineResult<Awaited<O>>>;
export function runInline(workflow: AnyInlineWorkflow, options: RunInlineOptions): Promise<InlineResult> {
  return executeInline(workflow, options, describeInstance, [RedflowSetupError]);
}
