/** A span of time: a number is milliseconds, a string carries its unit (`'500ms'`, `'30s'`, `'5m'`, `'2h'`, `'7d'`). */
export type Duration = number | string;

/** A point in time: a `Date` is an instant, a {@link Duration} counts from now on the Redis clock. */
export type When = Date | Duration;

/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * What a value becomes after the JSON round trip that every stored value takes: a `Date` turns into a string,
 * `undefined` stays `undefined`, methods disappear.
 */
export type Stored<T> = T extends { toJSON(): infer J }
  ? Stored<J>
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends (...args: never[]) => unknown
      ? never
      : T extends readonly unknown[]
        ? { [K in keyof T]: Stored<T[K]> }
        : T extends object
          ? { [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: Stored<T[K]> }
          : T;

/** Where the library's log lines go. Under Nest that is Nest's `Logger`; by default nothing below `warn` is written. */
export interface LoggerPort {
  log(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  debug?(message: string, fields?: object): void;
}

/**
 * Changes payloads on their way to Redis and back, to encrypt or to compress them. Both functions may return a promise.
 *
 * Errors they throw reach the caller as the cause of a `CodecError`, and may be logged: keep payloads out of them.
 */
export interface PayloadCodec {
  /** Text must be what UTF-8 can hold; bytes are stored as base64. */
  encode(json: string): string | Uint8Array | Promise<string | Uint8Array>;
  /** Gets what `encode` returned, and answers the JSON that it was given. */
  decode(stored: string | Uint8Array): string | Promise<string>;
}

/**
 * Carries what surrounds a call, such as the tenant or the ids of a trace, from whoever creates a run to the code that executes it.
 */
export interface ContextCarrier {
  /**
   * Called in the context of each call that creates a run or emits an event. What it returns is stored with the run, as a payload is;
   * undefined stores nothing. What it throws fails the call.
   */
  capture(): Json | undefined;
  /** Called around every pass of the run, with what `capture` returned: calls `next` in that context, and returns what it returns. */
  restore<T>(carrier: Json, next: () => T): T;
}

/** Any validator that follows https://standardschema.dev (zod, valibot, arktype). */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema makes of a value, as Standard Schema says it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<StandardIssue> };

/** What a schema has against a value, and where, as Standard Schema says it. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** A class of errors to be rebuilt from what is stored of them. */
// biome-ignore lint/suspicious/noExplicitAny: a constructor's parameters are contravariant, so only any[] accepts every class
export type ErrorClass = abstract new (...args: any[]) => Error;
