import type { CreateCall, EmitCall, RunHeaders } from '../core/api/interceptor.types.js';
import { throughOnlooker } from '../core/interceptors.js';
import { encodePayload } from '../core/payload/payload.js';
import { describeError, errorForLog } from '../core/payload/stored-error.js';
import type { NewEvent } from '../redis/events/emit-event.js';
import type { NewRun } from '../redis/runs/create-run.js';
import type { CreationContext } from './creation-context.js';
import { sealRun } from './seal-run.js';

/** How a run is created. */
export interface Creation<T> {
  readonly by: CreateCall['by'];
  /** Makes what is sent of it. @default its input goes through the codec */
  readonly seal?: (run: NewRun) => NewRun | Promise<NewRun>;
  write(sealed: NewRun): Promise<T>;
  runIdOf(written: T): string;
}

/**
 * Creates a run that is checked, through the interceptors: they see it, and give it the headers that all of its passes get.
 * @throws CodecError, SerializationError, PayloadTooLargeError, and what interceptors throw before their `next()`
 */
export async function createIntercepted<T>(context: CreationContext, run: NewRun, creation: Creation<T>): Promise<T> {
  const seal = creation.seal ?? ((prepared) => sealRun(prepared, context));
  const { create } = context.interceptors;
  if (!create) return creation.write(await seal(run));
  const { workflow, queue, tags, id: runId } = run;
  const headers: RunHeaders = {};
  const call: CreateCall = { workflow, queue, tags: tags ?? {}, runId, by: creation.by, headers };
  const write = async (): Promise<T> => {
    const [sealed, sealedOnes] = await Promise.all([seal(run), sealedHeaders(headers, context)]);
    return creation.write({ ...sealed, headers: sealedOnes });
  };
  const shown = (written: T) => ({ runId: creation.runIdOf(written) });
  return throughOnlooker('create', create, call, write, shown, failedBehind(context, 'create', { runId }));
}

/** Creates the runs of one write: each interceptor sees one after the other. */
export function createAllIntercepted<T>(
  context: CreationContext,
  runs: readonly NewRun[],
  { by, write }: Pick<Creation<T>, 'by'> & { write(sealed: NewRun[]): Promise<T> },
): Promise<T> {
  const from = (sealed: NewRun[]): Promise<T> => {
    const run = runs[sealed.length];
    if (!run) return write(sealed);
    return createIntercepted(context, run, { by, write: (next) => from([...sealed, next]), runIdOf: () => run.id });
  };
  return from([]);
}

/** Emits an event that is checked, through the interceptors. @throws as {@link createIntercepted} */
export async function emitIntercepted<T>(
  context: CreationContext,
  event: NewEvent,
  by: EmitCall['by'],
  write: (event: NewEvent) => Promise<T>,
): Promise<T> {
  const { emit } = context.interceptors;
  if (!emit) return write(event);
  const { name, id: eventId, correlationKey } = event;
  const headers: RunHeaders = {};
  const call: EmitCall = { event: name, eventId, correlationKey, by, headers };
  const act = async () => write({ ...event, headers: await sealedHeaders(headers, context) });
  return throughOnlooker('emit', emit, call, act, () => undefined, failedBehind(context, 'emit', { eventId }));
}

/** Encoded, through the codec; '' for none. */
function sealedHeaders(headers: RunHeaders, { sealer, maxPayloadBytes }: CreationContext): string | Promise<string> {
  if (Object.keys(headers).length === 0) return '';
  const what = 'carrier that `context.capture` returned, or headers of an interceptor,';
  return sealer.seal(encodePayload(headers, what, maxPayloadBytes), what);
}

/** What was written is written. */
function failedBehind({ logger }: CreationContext, seam: 'create' | 'emit', fields: object): (error: unknown) => void {
  return (error) => {
    const message = `An interceptor's \`${seam}\` failed behind its next(), and what it was around is done: ${describeError(error)}`;
    logger.warn(message, { ...fields, error: errorForLog(error) });
  };
}
