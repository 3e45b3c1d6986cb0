import { isSealed, type Sealer } from '../../core/payload/sealer.js';
import { type RunData, sealedPartOf } from '../steps/stored-step.js';

/** Whether a codec has made any of a run's payloads. */
export function isRunSealed({ input, bySchema, byPipes, error, headers, steps, progress }: RunData): boolean {
  if ([input, bySchema, byPipes, error, headers].some((text) => text !== undefined && isSealed(text))) return true;
  for (const step of steps.values()) if (sealedPartOf(step) !== undefined) return true;
  for (const value of progress.values()) if (isSealed(value)) return true;
  return false;
}

/** The payloads of a run as they were before a codec, in maps of their own. @throws CodecError */
export async function openRunData(data: RunData, runId: string, sealer: Sealer): Promise<RunData> {
  const opened = async (text: string, what: string): Promise<string> =>
    isSealed(text) ? sealer.open(text, `${what} of run "${runId}"`) : text;
  const openedIfAny = async (text: string | undefined, what: string) => (text === undefined ? undefined : opened(text, what));
  const steps = new Map(data.steps);
  const progress = new Map(data.progress);
  const [input, bySchema, byPipes, error, headers] = await Promise.all([
    opened(data.input, 'input'),
    openedIfAny(data.bySchema, 'input'),
    openedIfAny(data.byPipes, 'input'),
    openedIfAny(data.error, 'error'),
    openedIfAny(data.headers, 'headers'),
    ...[...steps].map(async ([name, step]) => {
      const part = sealedPartOf(step);
      if (part === undefined) return;
      const frame = step.payload.slice(0, step.payload.length - part.length);
      steps.set(name, { ...step, payload: frame + (await opened(part, `step "${name}"`)), sealed: step.payload });
    }),
    ...[...progress].map(async ([name, value]) => {
      progress.set(name, await opened(value, `progress of step "${name}"`));
    }),
  ]);
  return { ...data, input: input as string, bySchema, byPipes, error, headers, steps, progress } as RunData;
}
