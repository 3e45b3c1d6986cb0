import type { RunHeaders, RunInterceptor } from './api/interceptor.types.js';
import type { ContextCarrier } from './api/values.types.js';
import { describeValue } from './checks/describe-value.js';
import { InvalidOptionError } from './errors/index.js';

const SEAMS = ['create', 'emit', 'pass', 'step', 'operation'] as const satisfies ReadonlyArray<keyof RunInterceptor>;

/** The interceptors of a client or worker as one. A function that none of them has is absent. */
export type Interceptors = Readonly<RunInterceptor>;

export const NO_INTERCEPTORS: Interceptors = Object.freeze({});

type Layer = (call: unknown, next: () => Promise<unknown>) => Promise<unknown>;

/** The first is the outermost; `context` is outside of all. @throws InvalidOptionError */
export function composeInterceptors(given: readonly RunInterceptor[] | undefined, context?: ContextCarrier): Interceptors {
  if (given !== undefined) checkInterceptors(given);
  const all = [...(context ? [carrying(context)] : []), ...(given ?? [])];
  const composed: Record<string, Layer> = {};
  for (const seam of SEAMS) {
    const layers = all.filter((one) => one[seam] !== undefined).map((one) => (one[seam] as Layer).bind(one));
    if (layers.length > 0) composed[seam] = inTurn(layers);
  }
  return Object.freeze(composed) as Interceptors;
}

function inTurn(layers: readonly Layer[]): Layer {
  return (call, innermost) => {
    // Asynchronous: what throws at once rejects.
    const from = async (index: number): Promise<unknown> => {
      if (index === layers.length) return innermost();
      let inner: Promise<unknown> | undefined;
      const next = () => {
        inner ??= from(index + 1);
        return inner;
      };
      return layers[index](call, next);
    };
    return from(0);
  };
}

/** An interceptor as it is around what it may look at and must not change. */
type Onlooker<C, R> = (call: C, next: () => Promise<R>) => Promise<unknown>;

/**
 * Has something done through an interceptor, and answers what it came to as soon as it did: what the interceptor does behind its `next()`
 * neither delays nor changes that. It may be written by then, and whoever is told otherwise would do it again.
 *
 * @param shown what `next()` answers
 * @param failedBehind told of what the interceptor throws behind its `next()`
 * @throws what it throws before; TypeError if it leaves `next()` out
 */
export async function throughOnlooker<C, R, T>(
  seam: keyof RunInterceptor,
  onlooker: Onlooker<C, R>,
  call: C,
  act: () => Promise<T>,
  shown: (outcome: T) => R,
  failedBehind: (error: unknown) => void,
): Promise<T> {
  let acting: Promise<T> | undefined;
  let refusal: { readonly error: unknown } | undefined;
  await new Promise<void>((begun) => {
    const next = async (): Promise<R> => {
      acting ??= act();
      begun();
      return shown(await acting);
    };
    onlooker(call, next)
      .catch(async (error: unknown) => {
        if (!acting) refusal = { error };
        else if (await isOther(error, acting)) failedBehind(error);
      })
      .finally(begun);
  });
  if (acting) return acting;
  if (refusal) throw refusal.error;
  throw new TypeError(`An interceptor's \`${seam}\` returned without calling next(), so nothing was done: call it, or throw.`);
}

/** Whether an error is none that the call itself has failed with. */
export function isOther(error: unknown, call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    (reason) => reason !== error,
  );
}

/** Under which the option `context` keeps what it has captured. */
const CONTEXT_HEADER = 'context';

/** The option `context` of clients and workers, as an interceptor. */
function carrying(context: ContextCarrier): RunInterceptor {
  const capture = async <R>({ headers }: { headers: RunHeaders }, next: () => Promise<R>): Promise<R> => {
    const carrier = context.capture();
    if (carrier !== undefined) headers[CONTEXT_HEADER] = carrier;
    return next();
  };
  return {
    create: capture,
    emit: capture,
    pass: async ({ headers: { [CONTEXT_HEADER]: carrier } }, next) =>
      carrier === undefined ? next() : context.restore(carrier, next),
  };
}

/** @throws InvalidOptionError */
function checkInterceptors(given: unknown): void {
  if (!Array.isArray(given)) throw wrong('`interceptors` to be an array', given);
  given.forEach((one: unknown, index) => {
    if (typeof one !== 'object' || one === null) throw wrong(`interceptor ${index} to be an object`, one);
    const seams = SEAMS.filter((seam) => (one as RunInterceptor)[seam] !== undefined);
    if (seams.length === 0) throw wrong(`interceptor ${index} to have at least one function of an interceptor`, one);
    for (const seam of seams) {
      const value: unknown = (one as RunInterceptor)[seam];
      if (typeof value !== 'function') throw wrong(`\`${seam}\` of interceptor ${index} to be a function`, value);
    }
  });
}

function wrong(expected: string, value: unknown): InvalidOptionError {
  const functions = SEAMS.map((seam) => `${seam}(call, next)`).join(', ');
  return new InvalidOptionError(
    'interceptors',
    `Expected ${expected}; got ${describeValue(value)}. The functions are ${functions}`,
  );
}
