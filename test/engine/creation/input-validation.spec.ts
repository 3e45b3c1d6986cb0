import { describe, expect, it } from '@jest/globals';
import type { StandardSchemaV1 } from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';
import { expectNoKeys } from '../../support/namespace.js';

describe('input validation', () => {
  const positive: StandardSchemaV1<unknown, { n: number }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value) => {
        const n = Number((value as { n?: unknown })?.n);
        return n > 0 ? { value: { n } } : { issues: [{ message: 'must be above 0', path: ['n'] }, { message: 'is odd' }] };
      },
    },
  };
  const checked = workflow('checked', (ctx) => ctx.input, { input: positive });

  it('refuses bad input before anything is written', async () => {
    const engine = await startEngine({ worker: false });
    const error = await rejection(engine.client.run(checked, { n: -1 }));
    const issues = [
      { path: 'n', message: 'must be above 0' },
      { path: '', message: 'is odd' },
    ];
    expect(error).toMatchObject({ name: 'InputValidationError', workflow: 'checked', issues });
    await expectNoKeys(engine.prefix);
  });

  it('stores the input as it was given, and hands the handler what the schema made of it', async () => {
    const engine = await startEngine({ workflows: [checked] });
    const handle = await engine.client.run(checked, { n: '5' } as never);
    expect(await handle.result()).toEqual({ n: 5 });
    expect((await handle.getState()).input).toEqual({ n: '5' });
  });
});
