import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import type { DecoratedClass } from './interfaces/discovered-workflow.interface.js';
import type { DecoratedMethod, MethodKey, TriggerMetadata, WorkflowMetadata } from './interfaces/workflow-metadata.interface.js';
import { FAILURE_HOOK_METADATA, STEP_METADATA, TRIGGERS_METADATA, WORKFLOW_METADATA } from './redflow.constants.js';
import { addTriggers } from './redflow-triggers.js';

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
    for (const { key, declaredBy, method } of methodsOf(target)) {
      const triggers = triggersOf(method);
      const isFailureHook = Reflect.hasOwnMetadata(FAILURE_HOOK_METADATA, method);
      if (triggers.length > 0 || isFailureHook) found.push({ key, declaredBy, triggers, isFailureHook });
    }
    return found;
  }

  /** The methods of a class that are steps, inherited ones included, as {@link getDecoratedMethods} finds the others. */
  getStepMethods(target: DecoratedClass): MethodKey[] {
    return [...methodsOf(target)].filter(({ method }) => isStep(method)).map(({ key }) => key);
  }
}

/** Adds a trigger to a class or method. Decorators apply from the last to the first, so it goes before what is there. */
export function prependTrigger(trigger: TriggerMetadata, target: object): void {
  Reflect.defineMetadata(TRIGGERS_METADATA, [trigger, ...triggersOf(target)], target);
}

/** Whether a method carries `@Step()`. */
export function isStep(method: object): boolean {
  return Reflect.hasOwnMetadata(STEP_METADATA, method);
}

function triggersOf(target: object): readonly TriggerMetadata[] {
  return Reflect.getOwnMetadata(TRIGGERS_METADATA, target) ?? [];
}

/** The methods that instances of a class have, overridden ones not. Getters are not called. */
function* methodsOf(target: DecoratedClass): Generator<{ key: MethodKey; declaredBy: string; method: object }> {
  const seen = new Set<MethodKey>(['constructor']);
  for (const prototype of prototypesFrom(target.prototype, Object.prototype)) {
    for (const key of Reflect.ownKeys(prototype)) {
      if (seen.has(key)) continue;
      seen.add(key);
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value;
      if (typeof method === 'function') yield { key, declaredBy: prototype.constructor.name, method };
    }
  }
}

/** An object and those it inherits from, without the last one. */
function* prototypesFrom(start: object | null, last: object): Generator<object> {
  for (let object = start; object !== null && object !== last; object = Reflect.getPrototypeOf(object)) yield object;
}
