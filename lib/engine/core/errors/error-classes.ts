import type { ErrorClass } from '../api/values.types.js';
import { describeValue, versionName } from '../checks/describe-value.js';
import { isErrorClass } from './class-names.js';
import { redflowErrorClass } from './error-codes.js';
import { InvalidOptionError } from './option.errors.js';
import { RedflowError } from './redflow.error.js';

/** Errors of the language and the platform, which need not be listed. */
const BUILT_IN_ERRORS: Readonly<Record<string, ErrorClass>> = {
  AggregateError,
  DOMException,
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

interface Listed {
  readonly type: ErrorClass;
  /** Whose option lists it: `workflow "order"`. */
  readonly place: string;
}

/** The classes that `errors` options list, by name: those of a step before those of its workflow, and these before those of the module. */
export class ErrorClasses {
  static readonly none = new ErrorClasses(new Map());

  private constructor(
    private readonly own: ReadonlyMap<string, Listed>,
    private readonly outer?: ErrorClasses,
  ) {}

  /**
   * With a further list.
   *
   * @param place whose option it is: `workflow "order"`
   * @throws InvalidOptionError unless it is a list of error classes, and when another class of the same name is listed
   */
  with(errors: unknown, place: string): ErrorClasses {
    if (errors === undefined) return this;
    const own = new Map<string, Listed>();
    for (const type of checkErrorClasses(errors, place)) {
      const other = own.get(type.name) ?? this.find(type.name);
      if (other && other.type !== type) throw new InvalidOptionError('errors', twoOfOneName(type.name, other.place, place));
      own.set(type.name, { type, place });
    }
    return own.size === 0 ? this : new ErrorClasses(own, this);
  }

  /** With a list that was checked elsewhere. It wins: to whom it comes to read an error, two classes of one name are no reason to fail. */
  preferring(errors: readonly ErrorClass[] = []): ErrorClasses {
    if (errors.length === 0) return this;
    return new ErrorClasses(new Map(errors.map((type) => [type.name, { type, place: '' }])), this);
  }

  /**
   * What an error is rebuilt as: the nearest of its classes that is listed, ours or built in.
   *
   * @param names of its class and of those that it extends
   * @returns undefined for none
   */
  prototypeFor(names: readonly string[]): object | undefined {
    for (const [index, name] of names.entries()) {
      // Another class of the name of one of ours is not one of ours.
      const isOurs = name === RedflowError.name || names[index + 1] === RedflowError.name;
      const type = (isOurs ? redflowErrorClass(name) : undefined) ?? this.find(name)?.type ?? builtInError(name);
      if (type) return type.prototype;
    }
    return undefined;
  }

  private find(name: string): Listed | undefined {
    return this.own.get(name) ?? this.outer?.find(name);
  }
}

/** What one `errors` option lists. */
export interface ErrorList {
  readonly errors: unknown;
  /** Whose option it is: `workflow "order"`. */
  readonly place: string;
}

/** What the definition of a workflow lists. */
export function errorListOf({
  name,
  options,
}: {
  readonly name: string;
  readonly options: { readonly version?: string | undefined; readonly errors?: readonly ErrorClass[] | undefined };
}): ErrorList {
  const version = options.version === undefined ? '' : ` (${versionName(options.version)})`;
  return { errors: options.errors, place: `workflow "${name}"${version}` };
}

/**
 * Checks all lists of a process together: errors pass from run to run, so one name stands for one class.
 * @throws InvalidOptionError
 */
export function checkErrorLists(lists: Iterable<ErrorList>): void {
  let listed = ErrorClasses.none;
  for (const { errors, place } of lists) listed = listed.with(errors, place);
}

/** The name of the first class of an error that is built in. */
export function builtInNameIn(names: readonly string[]): string | undefined {
  return names.find((name) => builtInError(name) !== undefined);
}

function builtInError(name: string): ErrorClass | undefined {
  return Object.hasOwn(BUILT_IN_ERRORS, name) ? BUILT_IN_ERRORS[name] : undefined;
}

function checkErrorClasses(errors: unknown, place: string): ErrorClass[] {
  if (!Array.isArray(errors)) {
    const problem = `Expected \`errors\` to be a list of error classes, [PaymentDeclined]; got ${describeValue(errors)} (${place})`;
    throw new InvalidOptionError('errors', problem);
  }
  for (const type of errors) {
    const problem = problemOf(type);
    if (problem) throw new InvalidOptionError('errors', `${problem} (${place})`);
  }
  return errors;
}

function problemOf(type: unknown): string | undefined {
  if (!isErrorClass(type)) return `Expected \`errors\` to list classes that extend Error; got ${describeValue(type)}`;
  if (type.name === '')
    return 'Expected the classes in `errors` to have names, which errors are stored by; got a class without one';
  const builtIn = builtInError(type.name);
  if (builtIn === undefined || builtIn === type) return undefined;
  return `Error class "${type.name}" in \`errors\` has the name of a built-in class, and errors are stored by it. Rename it`;
}

function twoOfOneName(name: string, first: string, second: string): string {
  const places = first === second ? `listed twice by ${second}` : `listed by ${first} and by ${second}`;
  return (
    `Two error classes named "${name}" are ${places}. Errors are stored by the name of their class: rename one of them, or list the same ` +
    'class in both places'
  );
}
