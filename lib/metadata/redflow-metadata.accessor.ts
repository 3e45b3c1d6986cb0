import type { DecoratedClass } from './workflow-metadata.interface.js';
import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import type { StepOptions } from '../engine/index.js';
import { FAILURE_HOOK_METADATA, STEP_METADATA, TRIGGERS_METADATA, WORKFLOW_METADATA } from '../redflow.constants.js';
import { addTriggers } from './redflow-triggers.js';
import type { DecoratedMethod, MethodKey, TriggerMetadata, WorkflowMetadata } from './workflow-metadata.interface.js';

/** What `@Step()` was told, as far as the boot looks at it. */
interface StepMetadata {
  /** Whether the decorator names it, rather than its class. */
  readonly hasOwnName: boolean;
  readonly errors: StepOptions['errors'];
}

/** Reads what the decorators left behind. */
@Injectable()
export class RedflowMetadataAccessor {
  /**
   * The metadata of a decorated class, or of the closest decorated class it extends, with its triggers.
   *
   * @throws InvalidOptionError when a trigger of the class has an option that belongs elsewhere
   */
  getWorkflowMetadata(target: DecoratedClass): WorkflowMetadata | undefined {
    const metadata: WorkflowMetadata | undefined = Reflect.getMetadata(WORKFLOW_METADATA, target);
    return metadata && addTriggers(metadata, this.getClassTriggers(target), target.name);
  }

  /** Whether a class carries or inherits `@Workflow()`. */
  isWorkflowClass(target: DecoratedClass): boolean {
    return Reflect.hasMetadata(WORKFLOW_METADATA, target);
  }

  /**
   * The triggers of a class and, before them, of the classes it extends: up to the next that is a workflow of its own, since its
   * triggers are that workflow's.
   */
  getClassTriggers(target: DecoratedClass): TriggerMetadata[] {
    const triggers: TriggerMetadata[] = [];
    let isWorkflow = false;
    for (const type of prototypesFrom(target, Function.prototype)) {
      const carriesWorkflow = Reflect.hasOwnMetadata(WORKFLOW_METADATA, type);
      if (isWorkflow && carriesWorkflow) break;
      isWorkflow ||= carriesWorkflow;
      triggers.unshift(...triggersOf(type));
    }
    return triggers;
  }

  /**
   * The methods of a class with triggers or `@OnFailure()`, inherited ones included. A method that overrides a decorated one
   * counts with its own decorators. Getters are not called.
   */
  getDecoratedMethods(target: DecoratedClass): DecoratedMethod[] {
    const found: DecoratedMethod[] = [];
    for (const { key, prototype } of methodsOf(target)) {
      const triggers = triggersOf(prototype, key);
      const isFailureHook = Reflect.hasOwnMetadata(FAILURE_HOOK_METADATA, prototype, key);
      const declaredBy = prototype.constructor.name;
      if (triggers.length > 0 || isFailureHook) found.push({ key, declaredBy, triggers, isFailureHook });
    }
    return found;
  }

  /** The methods of a class that are steps, inherited ones included, as {@link getDecoratedMethods} finds the others. */
  getStepMethods(target: DecoratedClass): MethodKey[] {
    return [...methodsOf(target)].map(({ key }) => key).filter((key) => isStep(target.prototype, key));
  }
}

/**
 * Adds a trigger to a class, or to a method of a class whose prototype is given: to its name, since decorators above may replace the function.
 * Decorators apply from the last to the first, so it goes before what is there.
 */
export function prependTrigger(trigger: TriggerMetadata, target: object, key?: MethodKey): void {
  define(TRIGGERS_METADATA, [trigger, ...triggersOf(target, key)], target, key);
}

/** Makes a method the failure hook of its class. */
export function markFailureHook(prototype: object, key: MethodKey): void {
  define(FAILURE_HOOK_METADATA, true, prototype, key);
}

export function markStep(prototype: object, key: MethodKey, metadata: StepMetadata): void {
  define(STEP_METADATA, metadata, prototype, key);
}

/** Whether a method of an instance, or of a prototype, carries `@Step()`; what a test double puts in its place does not. */
export function isStep(instance: object, key: MethodKey): boolean {
  return stepMetadataOf(instance, key) !== undefined;
}

/** The prototype that declares a step, if the step is named after the class of its provider. */
export function ownerOfUnnamedStep(instance: object, key: MethodKey): object | undefined {
  const found = stepMetadataOf(instance, key);
  return found?.hasOwnName === false ? found.owner : undefined;
}

/** The error classes that a step lists. */
export function errorsOfStep(prototype: object, key: MethodKey): StepOptions['errors'] {
  return stepMetadataOf(prototype, key)?.errors;
}

function stepMetadataOf(instance: object, key: MethodKey): (StepMetadata & { readonly owner: object }) | undefined {
  for (const owner of prototypesFrom(instance, Object.prototype)) {
    if (!Object.hasOwn(owner, key)) continue;
    const metadata: StepMetadata | undefined = Reflect.getOwnMetadata(STEP_METADATA, owner, key);
    return metadata && { owner, ...metadata };
  }
  return undefined;
}

/** Without a key reflect-metadata means the class; its types know no optional one. */
function define(name: string, value: unknown, target: object, key: MethodKey | undefined): void {
  if (key === undefined) Reflect.defineMetadata(name, value, target);
  else Reflect.defineMetadata(name, value, target, key);
}

function triggersOf(target: object, key?: MethodKey): readonly TriggerMetadata[] {
  const own =
    key === undefined
      ? Reflect.getOwnMetadata(TRIGGERS_METADATA, target)
      : Reflect.getOwnMetadata(TRIGGERS_METADATA, target, key);
  return own ?? [];
}

/** The methods that instances of a class have, overridden ones not. Getters are not called. */
function* methodsOf(target: DecoratedClass): Generator<{ key: MethodKey; prototype: object }> {
  const seen = new Set<MethodKey>(['constructor']);
  for (const prototype of prototypesFrom(target.prototype, Object.prototype)) {
    for (const key of Reflect.ownKeys(prototype)) {
      if (seen.has(key)) continue;
      seen.add(key);
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value;
      if (typeof method === 'function') yield { key, prototype };
    }
  }
}

/** An object and those it inherits from, without the last one. */
function* prototypesFrom(start: object | null, last: object): Generator<object> {
  for (let object = start; object !== null && object !== last; object = Reflect.getPrototypeOf(object)) yield object;
}
