import { REVIVE, type RevivingSchema } from '../engine/framework.js';
import { InvalidOptionError, type StandardIssue, type WorkflowOptions } from '../engine/index.js';
import { missingValidator, undecoratedDto } from '../redflow.messages.js';

/** A class whose properties carry class-validator decorators. */
export type DtoClass = new (...args: never[]) => object;

/** The part of a class-validator error that is read. */
interface ValidationFailure {
  readonly property: string;
  readonly constraints?: Readonly<Record<string, string>>;
  readonly children?: readonly ValidationFailure[];
}

/** What is needed of class-transformer and class-validator. */
export interface DtoValidation {
  /** Whether any property of the class, or of one it extends, is validated. */
  isDecorated(target: DtoClass): boolean;
  toInstance(target: DtoClass, value: object): object;
  validate(instance: object): Promise<readonly ValidationFailure[]>;
}

/** Whether `input:` is a DTO class. A Standard Schema may be a function as well, as arktype's are. */
export function isDtoClass(input: WorkflowOptions['input']): input is DtoClass {
  return typeof input === 'function' && !('~standard' in input);
}

/**
 * Adapts a DTO class to Standard Schema: plain input becomes an instance of it, validated as Nest's `ValidationPipe` does
 * with `transform: true`. Paths of issues reach into nested objects and arrays, as in `items`, `0`, `price`.
 *
 * @param load defaults to the optional peers class-validator and class-transformer, loaded when first needed
 */
export function createDtoSchema(target: DtoClass, load = () => loadDtoValidation(target)): RevivingSchema {
  let loaded: DtoValidation | undefined;
  return {
    [REVIVE]: (json) => instanceWith(target, json),
    '~standard': {
      version: 1,
      vendor: 'class-validator',
      validate: async (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) {
          return { issues: [{ message: `expected an object with the properties of ${target.name}`, path: [] }] };
        }
        loaded ??= await load();
        const { toInstance, validate } = loaded;
        const instance = toInstance(target, value);
        const failures = await validate(instance);
        return failures.length === 0 ? { value: instance } : { issues: failures.flatMap((failure) => issuesOf(failure, [])) };
      },
    },
  };
}

/** An instance with the fields of stored JSON, which were checked when they were stored. What is not an object stays what it is. */
export function instanceWith(type: unknown, json: unknown): unknown {
  if (typeof type !== 'function' || typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.assign(Object.create(type.prototype), json);
}

/**
 * Loads the optional peers that validate DTO classes.
 *
 * @throws InvalidOptionError when one of them is not installed, or the class has no decorators of theirs: it would accept everything
 */
export async function loadDtoValidation(target: DtoClass, importPeers = importDtoPeers): Promise<DtoValidation> {
  const validation = await importPeers().catch((cause: unknown) => {
    const error = new InvalidOptionError('input', missingValidator(target.name));
    error.cause = cause;
    throw error;
  });
  if (!validation.isDecorated(target)) throw new InvalidOptionError('input', undecoratedDto(target.name));
  return validation;
}

async function importDtoPeers(): Promise<DtoValidation> {
  const [{ plainToInstance }, { getMetadataStorage, validate }] = await Promise.all([
    import('class-transformer'),
    import('class-validator'),
  ]);
  return {
    isDecorated: (target) => getMetadataStorage().getTargetValidationMetadatas(target, '', false, false).length > 0,
    toInstance: (target, value) => plainToInstance(target as new () => object, value),
    // As in ValidationPipe: a nested class without decorators accepts everything rather than nothing.
    validate: (instance) => validate(instance, { forbidUnknownValues: false }),
  };
}

function issuesOf(failure: ValidationFailure, parents: readonly string[]): StandardIssue[] {
  const path = [...parents, failure.property];
  const own = Object.values(failure.constraints ?? {}).map((message) => ({ message, path }));
  return [...own, ...(failure.children ?? []).flatMap((child) => issuesOf(child, path))];
}
