import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import type { DecoratedClass } from './interfaces/discovered-workflow.interface.js';
import type { WorkflowMetadata } from './interfaces/workflow-metadata.interface.js';
import { WORKFLOW_METADATA } from './redflow.constants.js';

/** Reads what the decorators left behind. */
@Injectable()
export class RedflowMetadataAccessor {
  /** The metadata of a decorated class, or of the closest decorated class it extends. */
  getWorkflowMetadata(target: DecoratedClass): WorkflowMetadata | undefined {
    return Reflect.getMetadata(WORKFLOW_METADATA, target);
  }

  /** Whether a value is a class that carries or inherits `@Workflow()`. */
  isWorkflowClass(value: unknown): value is DecoratedClass {
    return typeof value === 'function' && Reflect.hasMetadata(WORKFLOW_METADATA, value);
  }
}

/** Gives a method's wrapper the metadata of the method, so that decorators below the wrapping one keep working. */
export function copyMethodMetadata(method: object, wrapper: object): void {
  for (const key of Reflect.getOwnMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), wrapper);
  }
}
