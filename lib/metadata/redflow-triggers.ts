import { InvalidOptionError, type WorkflowOptions } from '../engine/index.js';
import { DEFAULT_CONNECTION } from '../redflow.constants.js';
import { RedflowSetupError } from '../redflow.errors.js';
import { memberName, optionSetTwice, unsupportedOption, workflowOptionOnTrigger } from '../redflow.messages.js';
import { METHOD_WORKFLOW_KEYS } from '../redflow.options.js';
import type { WorkflowDecoratorOptions } from './workflow-decorator-options.interface.js';
import type { DecoratedMethod, TriggerMetadata, WorkflowMetadata } from './workflow-metadata.interface.js';

/**
 * A class's workflow with the triggers of its decorators after those of its options.
 *
 * @throws InvalidOptionError when a decorator has an option that is not the trigger's
 */
export function addTriggers(
  metadata: WorkflowMetadata,
  triggers: readonly TriggerMetadata[],
  className: string,
): WorkflowMetadata {
  for (const trigger of triggers) refuseForeignOptions(trigger, className);
  return { ...metadata, options: withTriggers(metadata.options, triggers) };
}

/**
 * The workflow that a method is: the options and triggers of all its decorators together.
 *
 * @param where the method, as messages name it
 * @throws InvalidOptionError when a decorator has an option that does not exist
 * @throws RedflowSetupError when two decorators set one option to different values
 */
export function methodWorkflow({ key, declaredBy, triggers }: DecoratedMethod, where: string): WorkflowMetadata {
  const { name, connection, ...options } = unitedOptions(triggers, where);
  return {
    name: name ?? memberName(declaredBy, key),
    ...(name === undefined && { namedAfter: declaredBy }),
    connection: connection ?? DEFAULT_CONNECTION,
    options: withTriggers(options, triggers),
  };
}

function unitedOptions(triggers: readonly TriggerMetadata[], where: string): WorkflowDecoratorOptions {
  const united: Record<string, unknown> = {};
  const setBy = new Map<string, string>();
  for (const trigger of triggers) {
    refuseUnknownOptions(trigger, where);
    for (const [option, value] of Object.entries(trigger.options)) {
      if (value === undefined) continue;
      const other = setBy.get(option);
      if (other !== undefined && !Object.is(united[option], value)) {
        throw new RedflowSetupError(optionSetTwice(where, option, [other, trigger.decorator]));
      }
      united[option] = value;
      setBy.set(option, trigger.decorator);
    }
  }
  return united;
}

function withTriggers(options: WorkflowOptions, triggers: readonly TriggerMetadata[]): WorkflowOptions {
  // flat() rather than a spread: what is no list is left to the engine, which says what is wrong with it.
  const event = [options.event ?? [], ...triggers.map((trigger) => trigger.event ?? [])].flat();
  const cron = [options.cron ?? [], ...triggers.map((trigger) => trigger.cron ?? [])].flat();
  return { ...options, ...(event.length > 0 && { event }), ...(cron.length > 0 && { cron }) };
}

function refuseForeignOptions({ decorator, triggerKeys, options }: TriggerMetadata, className: string): void {
  const [foreign] = Object.keys(options);
  if (foreign === undefined) return;
  const where = `${decorator} on class "${className}"`;
  const isWorkflowOption = Object.hasOwn(METHOD_WORKFLOW_KEYS, foreign);
  const message = isWorkflowOption ? workflowOptionOnTrigger(where, foreign) : unsupportedOption(where, foreign, triggerKeys);
  throw new InvalidOptionError(foreign, message);
}

function refuseUnknownOptions({ decorator, triggerKeys, options }: TriggerMetadata, where: string): void {
  const unknown = Object.keys(options).find((option) => !Object.hasOwn(METHOD_WORKFLOW_KEYS, option));
  if (unknown === undefined) return;
  const supported = [...new Set([...triggerKeys, ...Object.keys(METHOD_WORKFLOW_KEYS)])];
  throw new InvalidOptionError(unknown, unsupportedOption(`${decorator} on ${where}`, unknown, supported));
}
