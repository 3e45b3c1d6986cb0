import type { SealedText } from '../../core/payload/sealer.js';
import type { Op } from './op.js';
import type { OperationName } from './operation-name.generated.js';

/** Of `'id'` and `'...names'`: the first is one argument, the second all that follow. */
type One<A extends string> = A extends `...${string}` ? never : A;
type Rest<A extends string> = A extends `...${infer Name}` ? Name : never;

/** Undefined travels as '', a boolean as 1 or 0. */
type Value = string | number | boolean | undefined;
type Values = ReadonlyArray<string | number>;

/** What a call gives, by name. */
export type Given<A extends string> = { readonly [Name in One<A>]: Value } & { readonly [Name in Rest<A>]: Values };

/** What the script reads, by the same names. */
export type Read<A extends string> = { readonly [Name in One<A>]: string } & { readonly [Name in Rest<A>]: readonly string[] };

/** All that is known of an operation besides its Lua file. */
export interface OperationDefinition<A extends string, T> {
  /** Of the Lua file beside it, with underscores. */
  readonly name: OperationName;
  /** In the order of the file's header, to which the build holds them. */
  readonly args: readonly A[];
  /** The run it belongs to: see {@link Op.key}. */
  readonly key?: One<A> | ((given: Given<A>) => string | undefined);
  /** See {@link Op.work}. */
  readonly work?: number;
  /** See {@link Op.isRefusable}. */
  readonly creates?: boolean | ((given: Given<A>) => boolean);
  /** See {@link Op.writtenId}. */
  readonly replicaId?: (reply: unknown, given: Given<A>) => string | undefined;
  /** See {@link Op.sealed}. */
  readonly sealed?: (reply: unknown, given: Given<A>) => SealedText[];
  /**
   * Neither it nor what follows from it changes the owner of a run that it does not forget by itself: the ownership that operations of one call
   * have read stays known.
   */
  readonly keepsOwners?: boolean;
  readonly reply: (reply: unknown, given: Given<A>) => T;
}

export interface Operation<A extends string, T> {
  (given: Given<A>): Op<T>;
  /** The arguments of a call by their names, as the script has them. */
  read(args: Op<T>['args']): Read<A>;
}

/** The arguments of an operation by their names, as the script has them. */
export type ArgumentsOf<O> = O extends Operation<infer A, unknown> ? Read<A> : never;

/** Makes of a definition what issues the operation. */
export function defineOperation<A extends string, T>(definition: OperationDefinition<A, T>): Operation<A, T> {
  const { name, key, work = 1, creates = false, replicaId, sealed, reply } = definition;
  const order = orderOf(definition.args);
  const keyOf = typeof key === 'function' ? key : undefined;
  const keyAt = definition.args.indexOf(key as A);
  const issue = (given: Given<A>): Op<T> => {
    const args = order.place(given as ByName);
    return {
      name,
      // Nothing is no run.
      key: keyOf ? keyOf(given) : keyAt < 0 ? undefined : (args[keyAt] as string) || undefined,
      args,
      work,
      isRefusable: typeof creates === 'function' ? creates(given) : creates,
      writtenId: replicaId && withGiven(replicaId, given),
      sealed: sealed && withGiven(sealed, given),
      parse: withGiven(reply, given),
    };
  };
  return Object.assign(issue, { read: (args: Values) => order.read(args) as Read<A> });
}

/** Most answers mean the same whatever was given: for those no function is made, as there is one such call for each step. */
function withGiven<G, R>(read: (reply: unknown, given: G) => R, given: G): (reply: unknown) => R {
  return read.length < 2 ? (read as (reply: unknown) => R) : (reply) => read(reply, given);
}

type ByName = Readonly<Record<string, Value & Values>>;

interface Order {
  place(given: ByName): Array<string | number>;
  read(args: Values): Record<string, string | string[]>;
}

/** Told apart once, since this is done for every operation. */
function orderOf(args: readonly string[]): Order {
  const names = args.filter((name) => !name.startsWith('...'));
  const rest = args.find((name) => name.startsWith('...'))?.slice(3);
  return {
    place(given) {
      const placed = new Array<string | number>(names.length);
      for (let i = 0; i < names.length; i++) {
        const value: Value = given[names[i]];
        placed[i] = typeof value === 'string' || typeof value === 'number' ? value : value === undefined ? '' : Number(value);
      }
      // Not spread: the arguments of a function are on the stack, and a run may have more than fit.
      if (rest !== undefined) for (const value of given[rest]) placed.push(value);
      return placed;
    },
    read(placed) {
      const read: Record<string, string | string[]> = {};
      names.forEach((name, index) => {
        read[name] = String(placed[index]);
      });
      if (rest !== undefined) read[rest] = placed.slice(names.length).map(String);
      return read;
    },
  };
}
