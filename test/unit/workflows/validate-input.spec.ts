import { describe, expect, it } from '@jest/globals';
import type { StandardResult, StandardSchemaV1 } from '../../../lib/engine/core/api/values.types.js';
import { InputValidationError } from '../../../lib/engine/core/errors/index.js';
import { validateInput } from '../../../lib/engine/core/workflows/validate-input.js';

function schemaOf(validate: (value: unknown) => StandardResult<unknown> | Promise<StandardResult<unknown>>): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

describe('validateInput()', () => {
  it('returns what the schema made of the input', async () => {
    await expect(
      validateInput(
        schemaOf((value) => ({ value: { of: value } })),
        1,
        'order',
      ),
    ).resolves.toEqual({ of: 1 });
    await expect(
      validateInput(
        schemaOf(async (value) => ({ value })),
        1,
        'order',
      ),
    ).resolves.toBe(1);
    await expect(
      validateInput(
        schemaOf(() => ({ value: undefined })),
        1,
        'order',
      ),
    ).resolves.toBeUndefined();
  });

  it('throws every issue with its path as text', async () => {
    const schema = schemaOf(() => ({
      issues: [
        { message: 'must be an object' },
        { message: 'must be positive', path: ['items', 0, { key: 'price' }] },
        { message: 'is odd', path: [Symbol('x')] },
      ],
    }));
    const error = await validateInput(schema, 1, 'order').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputValidationError);
    expect(error).toMatchObject({
      workflow: 'order',
      message: 'Input of workflow "order" is invalid: must be an object; items.0.price: must be positive; Symbol(x): is odd',
      issues: [
        { path: '', message: 'must be an object' },
        { path: 'items.0.price', message: 'must be positive' },
        { path: 'Symbol(x)', message: 'is odd' },
      ],
    });
  });

  it('passes on what the schema throws', async () => {
    const broken = schemaOf(() => {
      throw new TypeError('broken schema');
    });
    await expect(validateInput(broken, 1, 'order')).rejects.toThrow(new TypeError('broken schema'));
  });
});
