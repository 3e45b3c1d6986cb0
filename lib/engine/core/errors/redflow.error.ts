export interface RedflowErrorOptions {
  cause?: unknown;
}

/** The base of every error this library throws on purpose. Branch on {@link code}, or on the class with `instanceof`. */
export abstract class RedflowError extends Error {
  /** Fixed per class, and the same in every process and version. */
  abstract readonly code: string;

  constructor(message: string, options?: RedflowErrorOptions) {
    super(message, options);
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
    // Taken again because the first line of a stack is written before the name is known.
    Error.captureStackTrace(this, new.target);
  }
}
