import type { StepOptions, WorkflowOptions } from '../engine/index.js';

/** Options of `@Workflow()`. */
export interface WorkflowDecoratorOptions<I = unknown> extends WorkflowOptions<I> {
  /** Stored with every run, so it should outlive a renaming of the class. @default the class name in kebab-case */
  name?: string;
  /** The `name` of the `RedflowModule` whose worker executes the workflow. @default 'default' */
  connection?: string;
}

/** Options of `@Step()`. */
export interface StepDecoratorOptions<N extends StepNameFactory = StepNameFactory> extends StepOptions {
  /**
   * A name, or a function of the method's arguments that makes one: needed when a run calls the method more than once.
   * @default 'ClassName.method', of the class that declares the method
   */
  name?: string | N;
}

// biome-ignore lint/suspicious/noExplicitAny: parameters are contravariant; @Step() compares them with the method's own
export type StepNameFactory = (...args: any[]) => string;
