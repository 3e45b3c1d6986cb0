import { RedflowError, type RedflowErrorOptions } from './redflow.error.js';

/** One reason why an input was refused. */
export interface InputIssue {
  /** Where in the input, joined with dots (`items.0.price`); empty for the input itself. */
  path: string;
  message: string;
}

/** A value cannot be stored as JSON. Never retried. */
export class SerializationError extends RedflowError {
  readonly code = 'SERIALIZATION';
  /** What was to be stored, with its ids. */
  readonly where: string;
  /** Where in the value, joined with dots (`items.0.price`); empty for the value itself. */
  readonly path: string;

  constructor(ids: { where: string; path: string; problem: string }, options?: RedflowErrorOptions) {
    const subject = ids.path === '' ? 'the value' : `\`${ids.path}\``;
    super(
      `Cannot store ${ids.where} as JSON: ${subject} ${ids.problem}. Use plain JSON values, or convert it first (a BigInt to a string).`,
      options,
    );
    this.where = ids.where;
    this.path = ids.path;
  }
}

/** A value is larger than `maxPayloadBytes`. Never retried. */
export class PayloadTooLargeError extends RedflowError {
  readonly code = 'PAYLOAD_TOO_LARGE';
  /** What was to be stored, with its ids. */
  readonly what: string;
  /** Size of the value as UTF-8 bytes of its JSON. */
  readonly bytes: number;
  readonly maxBytes: number;

  constructor(ids: { what: string; bytes: number; maxBytes: number }) {
    super(
      `Cannot store ${ids.what}: it has ${ids.bytes} bytes as JSON, the limit is ${ids.maxBytes}. ` +
        'Keep large data elsewhere and pass a reference to it, or raise `maxPayloadBytes`.',
    );
    this.what = ids.what;
    this.bytes = ids.bytes;
    this.maxBytes = ids.maxBytes;
  }
}

/** The `codec` failed on a payload, or what it once encoded is read without it. */
export class CodecError extends RedflowError {
  readonly code = 'CODEC';
  /** What was to be stored or read, with its ids. */
  readonly what: string;

  constructor(ids: { what: string; doing: 'store' | 'read'; problem: string }, options?: RedflowErrorOptions) {
    super(`Cannot ${ids.doing} ${ids.what}: ${ids.problem}.`, options);
    this.what = ids.what;
  }
}

const ISSUES_IN_MESSAGE = 3;

/** An input did not pass the workflow's `input` schema, or data the event's `schema`; nothing was written. Never retried. */
export class InputValidationError extends RedflowError {
  readonly code = 'INPUT_VALIDATION';
  /** The workflow whose input it was. */
  readonly workflow?: string;
  /** The event whose data it was. */
  readonly event?: string;
  readonly issues: InputIssue[];

  constructor(ids: { workflow?: string; event?: string; issues: InputIssue[] }) {
    const shown = ids.issues
      .slice(0, ISSUES_IN_MESSAGE)
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    const hidden = ids.issues.length - shown.length;
    const what = ids.event === undefined ? `Input of workflow "${ids.workflow}"` : `Data of event "${ids.event}"`;
    super(`${what} is invalid: ${shown.join('; ')}${hidden > 0 ? ` (and ${hidden} more)` : ''}`);
    if (ids.workflow !== undefined) this.workflow = ids.workflow;
    if (ids.event !== undefined) this.event = ids.event;
    this.issues = ids.issues;
  }
}
