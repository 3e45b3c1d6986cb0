import type { StepOptions, WorkflowOptions } from '../engine/index.js';

/** Options of `@Workflow()`. */
export interface WorkflowDecoratorOptions<I = unknown> extends WorkflowOptions<I> {
  /** Stored with every run, so it should outlive a renaming of the class. @default the class name in kebab-case */
  name?: string | undefined;
  /** The `name` of the `RedflowModule` whose worker executes the workflow. @default 'default' */
  connection?: string | undefined;
}

/** Options of `@Step()`. A `compensate` function gets the provider as its `this`, and what the method returned. */
// biome-ignore lint/suspicious/noExplicitAny: a decorator's options do not know what the method returns
export interface StepDecoratorOptions<N extends StepNameFactory = StepNameFactory> extends StepOptions<any> {
  /**
   * A name, or a function of the method's arguments that makes one: needed when a run calls the method more than once.
   * @default 'ClassName.method', of the class that declares the method
   */
  name?: string | N | undefined;
}

/** Makes the name of a step of the arguments of its method. */
// biome-ignore lint/suspicious/noExplicitAny: parameters are contravariant; @Step() compares them with the method's own
export type StepNameFactory = (...args: any[]) => string;
