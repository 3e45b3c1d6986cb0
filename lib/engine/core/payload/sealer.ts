import type { StoredError } from '../api/run.types.js';
import type { LoggerPort, PayloadCodec } from '../api/values.types.js';
import { CodecError } from '../errors/payload.errors.js';
import { processWarnings } from '../process-warnings.js';
import { encodeError } from './payload.js';
import { toStoredError } from './stored-error.js';

/** First character of what a codec made: of text, and of bytes in base64. No JSON text begins with either. */
const TEXT = '~';
const BYTES = '^';

/** Whether a codec has made what stands at this place: then it has to be opened before it can be read. */
export function isSealed(stored: string, from = 0): boolean {
  return stored[from] === TEXT || stored[from] === BYTES;
}

/** A part of an answer of Redis that a codec has made: all of `holder[index]` from a place on. */
export interface SealedText {
  readonly holder: Array<string | null>;
  readonly index: number;
  readonly from: number;
  /** What it is, with its ids, for the messages. */
  readonly what: string;
}

/** Finds nothing in a text that is plain, or not there. */
export function sealedText(holder: SealedText['holder'], index: number, what: string, from = 0): SealedText[] {
  const text = holder[index];
  return text && isSealed(text, from) ? [{ holder, index, from, what }] : [];
}

/** An error as it is stored, and the JSON that will be read of it: that of another error where the codec has failed. */
export interface SealedError {
  readonly sealed: string;
  readonly json: string;
}

/**
 * Passes payloads through the user's codec on their way to Redis and back. Without one they stay as they are, and so does what was
 * stored before there was one.
 */
export class Sealer {
  /** @param maxErrorBytes what an error may have before it loses its fields, as UTF-8 bytes of its JSON */
  constructor(
    private readonly codec: PayloadCodec | undefined,
    private readonly logger: LoggerPort,
    private readonly maxErrorBytes = Number.POSITIVE_INFINITY,
  ) {}

  /**
   * The text to store: at once, unless the codec takes its time. The empty text for `undefined` stays empty.
   * @param where what is stored, with its ids, for the messages: `output of step "charge" of run "r1"`
   * @throws CodecError
   */
  seal(json: string, where: string | (() => string)): string | Promise<string> {
    if (!this.codec || json === '') return json;
    const failed = (cause: unknown): never => {
      throw unsealable(where, cause);
    };
    try {
      const encoded = this.codec.encode(json);
      return isThenable(encoded) ? Promise.resolve(encoded).then(marked).catch(failed) : marked(encoded);
    } catch (cause) {
      return failed(cause);
    }
  }

  /** What was thrown, as it is stored. Never fails: where the codec does, a plain error says so, and nothing of the original is kept. */
  sealError(thrown: unknown, where: string): SealedError | Promise<SealedError> {
    return this.sealOrElse(encodeError(thrown, this.maxErrorBytes), where, (instead) => instead);
  }

  /** As {@link sealError}, for a list of stored errors; the empty text for none. */
  sealErrors(errors: readonly StoredError[], where: string): string | Promise<string> {
    if (errors.length === 0) return '';
    const kept = this.sealOrElse(JSON.stringify(errors), where, (instead) => errors.map(({ step }) => ({ ...instead, step })));
    return kept instanceof Promise ? kept.then(({ sealed }) => sealed) : kept.sealed;
  }

  /** @throws CodecError */
  async open(stored: string, what: string): Promise<string> {
    if (!this.codec) throw unreadable(what);
    const body = stored.slice(1);
    try {
      const json: unknown = await this.codec.decode(stored[0] === TEXT ? body : Buffer.from(body, 'base64'));
      if (typeof json !== 'string') throw new TypeError('it returned no text');
      // Read here and thrown away: the codec is to blame, and nobody behind it expects a text that is not JSON.
      JSON.parse(json);
      return json;
    } catch (cause) {
      throw unreadable(what, cause);
    }
  }

  /** Opens texts where they stand. @throws CodecError for the first that fails */
  async openAll(texts: readonly SealedText[]): Promise<void> {
    await Promise.all(
      texts.map(async ({ holder, index, from, what }) => {
        const text = holder[index] as string;
        holder[index] = text.slice(0, from) + (await this.open(text.slice(from), what));
      }),
    );
  }

  private sealOrElse(
    json: string,
    where: string,
    substitute: (instead: StoredError) => unknown,
  ): SealedError | Promise<SealedError> {
    const failed = (error: Error): SealedError => {
      this.logger.error(error.message);
      // Without the codec's own words: they may show what it was to hide.
      const instead = JSON.stringify(substitute(toStoredError(unsealable(where))));
      return { sealed: instead, json: instead };
    };
    try {
      const sealed = this.seal(json, where);
      return typeof sealed === 'string' ? { sealed, json } : sealed.then((text) => ({ sealed: text, json }), failed);
    } catch (error) {
      return failed(error as Error);
    }
  }
}

/** For those who have no codec. */
export const NO_CODEC = new Sealer(undefined, processWarnings);

function marked(encoded: unknown): string {
  if (typeof encoded === 'string') {
    if (/\p{Surrogate}/u.test(encoded)) throw new TypeError('it returned half of a surrogate pair; return bytes instead');
    return TEXT + encoded;
  }
  if (!ArrayBuffer.isView(encoded)) throw new TypeError('it returned neither text nor bytes');
  return BYTES + Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength).toString('base64');
}

/** Not by `instanceof`: a codec may come from another realm. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

function unsealable(where: string | (() => string), cause?: unknown): CodecError {
  const what = typeof where === 'string' ? where : where();
  const problem = `the \`codec\` failed to encode it${reasonOf(cause)}. Nothing of it was written`;
  return new CodecError({ what, doing: 'store', problem }, { cause });
}

function unreadable(what: string, cause?: unknown): CodecError {
  const problem =
    cause === undefined
      ? 'a codec has encoded it, and none is configured here. Give every client and worker of the namespace the same `codec`'
      : `the \`codec\` failed to decode it${reasonOf(cause)}. Check that it is the codec, and the keys, that it was stored with`;
  return new CodecError({ what, doing: 'read', problem }, { cause });
}

function reasonOf(cause: unknown): string {
  return cause === undefined ? '' : ` (${toStoredError(cause).message})`;
}
