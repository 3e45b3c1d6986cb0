import type { CreateCall, EmitCall, RunHeaders } from '../core/api/interceptor.types.js';
import { encodePayload } from '../core/payload/payload.js';
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
 * @throws CodecError, SerializationError, PayloadTooLargeError, and what interceptors throw
 */
export async function createIntercepted<T>(context: CreationContext, run: NewRun, creation: Creation<T>): Promise<T> {
  const seal = creation.seal ?? ((prepared) => sealRun(prepared, context));
  const { create } = context.interceptors;
  if (!create) return creation.write(await seal(run));
  const { workflow, queue, tags, id: runId } = run;
  const headers: RunHeaders = {};
  const written: T[] = [];
  await create({ workflow, queue, tags: tags ?? {}, runId, by: creation.by, headers }, async () => {
    const sealedOnes = sealedHeaders(headers, context);
    const sealed = await seal(run);
    written.push(await creation.write({ ...sealed, headers: await sealedOnes }));
    return { runId: creation.runIdOf(written[0]) };
  });
  return onlyOf(written, 'create');
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
  const written: T[] = [];
  await emit({ event: name, eventId, correlationKey, by, headers }, async () => {
    written.push(await write({ ...event, headers: await sealedHeaders(headers, context) }));
  });
  return onlyOf(written, 'emit');
}

/** Encoded, through the codec; '' for none. */
function sealedHeaders(headers: RunHeaders, { sealer, maxPayloadBytes }: CreationContext): string | Promise<string> {
  if (Object.keys(headers).length === 0) return '';
  const what = 'carrier that `context.capture` returned, or headers of an interceptor,';
  return sealer.seal(encodePayload(headers, what, maxPayloadBytes), what);
}

function onlyOf<T>(written: readonly T[], seam: string): T {
  if (written.length === 0) {
    throw new TypeError(
      `An interceptor's \`${seam}\` returned without calling next(), so nothing was written: call it, or throw.`,
    );
  }
  return written[0];
}
