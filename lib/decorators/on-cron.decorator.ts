import type { OnCronMethodOptions, OnCronOptions } from '../metadata/trigger-decorator-options.interface.js';
import { type MethodTriggerDecorator, type TriggerDecorator, triggerDecorator } from './trigger-decorator.js';

// Runs of a schedule without input have none, and may share their method with events: hence `any`.
// biome-ignore-start lint/suspicious/noExplicitAny: see above

/**
 * Starts a run at every tick of a schedule: of a `@Workflow()` class, or of the method it stands on, which becomes a workflow of
 * its own and gets `(input, ctx)`. `ctx.schedule` tells the tick. However many workers there are, a tick starts one run.
 *
 * May be repeated, and combined with `@OnEvent()`: one workflow with several triggers. On a method the options are those of the
 * workflow as well; what several decorators of one method say must not differ. On a class they belong in `@Workflow()`.
 *
 * @param expression 5 fields, or 6 with seconds first
 * @throws RedflowSetupError (at boot) on a controller, on a class that is no workflow, or when decorators contradict each other
 * @throws InvalidOptionError (at boot) for an unknown option or value, a wrong expression or zone
 *
 * @example
 * ```ts
 * @Injectable()
 * export class Reports {
 *   constructor(private readonly reports: ReportSender) {}
 *
 *   @OnCron('0 6 * * 1-5', { timezone: 'Europe/Berlin', input: { region: 'eu' }, name: 'morning-report' })
 *   async morning({ region }: { region: string }, ctx: WorkflowContext) {
 *     await ctx.step.run('send', () => this.reports.send(region, ctx.schedule?.instant));
 *   }
 * }
 * ```
 */
export function OnCron<I = any>(expression: string, options?: OnCronOptions<I>): TriggerDecorator<I>;
export function OnCron<I = any>(expression: string, options: OnCronMethodOptions<I>): MethodTriggerDecorator<I>;
export function OnCron(expression: string, given: OnCronMethodOptions<any> = {}): TriggerDecorator<any> {
  const { id, timezone, input, misfire, ...options } = given;
  const settings = Object.entries({ id, timezone, input, misfire }).filter(([, value]) => value !== undefined);
  return triggerDecorator({
    decorator: `@OnCron("${expression}")`,
    triggerKeys: ['id', 'timezone', 'input', 'misfire'],
    cron: { expression, ...Object.fromEntries(settings) },
    options,
  });
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above
