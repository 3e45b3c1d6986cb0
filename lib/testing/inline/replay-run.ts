import type { ExportedRun, WorkflowDefinition } from '../../engine/index.js';
import {
  type AnyInlineWorkflow,
  executeReplay,
  type ReplayOptions,
  type ReplayResult,
  type WorkflowInstance,
} from '../../engine/memory/index.js';
import { RedflowSetupError } from '../../redflow.errors.js';
import { describeInstance } from './describe-instance.js';

/**
 * Replays a run that was exported, from production for instance, in this process and without Redis: would this code go on with it? The handler is
 * executed once, with the outcomes that the run has recorded, and no function of a step is called. What it does otherwise than the run
 * is a departure. A run that has not ended, or that was canceled or timed out, is replayed as far as it had come.
 *
 * Failure hooks and compensations are not replayed, nor are children; each child has a run of its own to export.
 *
 * @param workflow a definition, or an instance of a workflow class, with whatever its constructor was given
 * @param exported of `client.exportRun()`, also as it comes back from a file of JSON
 * @throws InvalidOptionError for wrong options, an export that cannot be read, or a run of another workflow
 * @example
 * const exported = await client.exportRun('order-1'); // once, and kept as a file
 * const replay = await replayRun(new CheckoutWorkflow(payments), exported);
 * replay.throwIfDeparted();
 */
export function replayRun<I, O>(
  workflow: WorkflowDefinition<I, O>,
  exported: ExportedRun,
  options?: ReplayOptions,
): Promise<ReplayResult>;
export function replayRun<I, O>(
  workflow: WorkflowInstance<I, O>,
  exported: ExportedRun,
  options?: ReplayOptions,
): Promise<ReplayResult>;
export function replayRun(
  workflow: AnyInlineWorkflow,
  exported: ExportedRun,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  return executeReplay(workflow, exported, options, describeInstance, [RedflowSetupError]);
}
