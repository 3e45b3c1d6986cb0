import { carriedContext } from './carried-context.js';
import type { NewRun } from './create-run.js';
import type { CreationHost } from './creation-host.js';

/** A run as it is sent: its input through the codec, with the context of whoever creates it. @throws CodecError and what capturing throws */
export async function sealRun(run: NewRun, host: CreationHost): Promise<NewRun> {
  const context = carriedContext(host);
  const input = host.sealer.seal(run.input, `input of workflow "${run.workflow}"`);
  return { ...run, input: await input, context: await context };
}
