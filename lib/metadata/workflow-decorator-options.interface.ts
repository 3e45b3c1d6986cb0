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
   * A name, or a function of the method's arguments that makes one: `(id) => "reserve:" + id`. Use one in loops and parallel
   * branches. As with `ctx.step.run`, a name is used once in a run, and does not end in `#` and a number.
   *
   * @default 'ClassName.method', of the class of the provider; from the second call in a run on with its number: 'ClassName.method#2'
   */
  name?: string | N | undefined;
}

/** Makes the name of a step of the arguments of its method. */
// biome-ignore lint/suspicious/noExplicitAny: parameters are contravariant; @Step() compares them with the method's own
export type StepNameFactory = (...args: any[]) => string;
