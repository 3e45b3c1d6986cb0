import type { NewRun } from '../redis/runs/create-run.js';
import type { CreationContext } from './creation-context.js';

/** A run as it is sent: its input through the codec. @throws CodecError */
export async function sealRun(run: NewRun, { sealer }: Pick<CreationContext, 'sealer'>): Promise<NewRun> {
  return { ...run, input: await sealer.seal(run.input, `input of workflow "${run.workflow}"`) };
}
