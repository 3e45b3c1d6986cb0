import type { Sealer } from '../core/sealer.js';
import type { NewRun } from './create-run.js';

/** A run as it is sent, its input through the codec. @throws CodecError */
export async function sealRun(run: NewRun, sealer: Sealer): Promise<NewRun> {
  return { ...run, input: await sealer.seal(run.input, `input of workflow "${run.workflow}"`) };
}
