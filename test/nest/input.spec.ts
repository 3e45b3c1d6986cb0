import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsPositive, IsString, MinLength, ValidateNested } from 'class-validator';
import {
  InputValidationError,
  InvalidOptionError,
  type StandardSchemaV1,
  Workflow,
  type WorkflowContext,
} from '../../lib/index.js';
import { createDtoSchema, loadDtoValidation } from '../../lib/redflow-dto.schema.js';
import { withApp } from './fixtures.js';

class Item {
  @IsPositive()
  price!: number;

  get label(): string {
    return `${this.price} EUR`;
  }
}

class CreateOrder {
  @IsString()
  @MinLength(3)
  customer!: string;

  @ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[];
}

@Workflow({ name: 'order', input: CreateOrder })
class OrderWorkflow {
  async run(ctx: WorkflowContext<CreateOrder>): Promise<unknown> {
    const { input } = ctx;
    return { instance: input instanceof CreateOrder, labels: input.items.map((item) => item.label) };
  }
}

const evenNumber: StandardSchemaV1<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' && value % 2 === 0 ? { value } : { issues: [{ message: 'not even', path: ['number'] }] },
  },
};

@Workflow({ name: 'even', input: evenNumber })
class EvenWorkflow {
  async run(ctx: WorkflowContext<number>): Promise<number> {
    return ctx.input / 2;
  }
}

const metadata = { providers: [OrderWorkflow, EvenWorkflow] };
const refusalOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined).catch((error) => error);

describe('input: a class-validator DTO', () => {
  it('makes ctx.input an instance, nested ones included', async () => {
    await withApp(metadata, async ({ client }) => {
      const handle = await client.run('order', { customer: 'Ada', items: [{ price: 3 }, { price: 4 }] });
      expect(await handle.result()).toEqual({ instance: true, labels: ['3 EUR', '4 EUR'] });
    });
  });

  it('refuses bad input with nested paths, before anything is written', async () => {
    await withApp(metadata, async ({ client }) => {
      const input = { customer: 'Al', items: [{ price: -1 }] };
      const error = await refusalOf(client.run('order', input, { runId: 'refused' }));
      expect(error).toBeInstanceOf(InputValidationError);
      expect((error as InputValidationError).issues).toEqual([
        { path: 'customer', message: 'customer must be longer than or equal to 3 characters' },
        { path: 'items.0.price', message: 'price must be a positive number' },
      ]);
      expect(await client.getRun('refused')).toBeNull();
    });
  });

  it('refuses what is no object', async () => {
    await withApp(metadata, async ({ client }) => {
      for (const input of [null, 'Ada', [{ customer: 'Ada' }]]) {
        const error = await refusalOf(client.run('order', input));
        expect((error as InputValidationError).issues).toEqual([
          { path: '', message: 'expected an object with the properties of CreateOrder' },
        ]);
      }
    });
  });

  it('says what to install when the peers are missing', async () => {
    const missing = () => Promise.reject(new Error("Cannot find package 'class-validator'"));
    const error = await refusalOf(loadDtoValidation(CreateOrder, missing));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({
      message:
        'Class "CreateOrder" as a workflow\'s input needs class-validator and class-transformer: npm install class-validator ' +
        'class-transformer. Or give a Standard Schema (zod, valibot, arktype) instead.',
      cause: { message: "Cannot find package 'class-validator'" },
    });
    const schema = createDtoSchema(CreateOrder, () => loadDtoValidation(CreateOrder, missing));
    await expect(schema['~standard'].validate({})).rejects.toThrow('npm install class-validator class-transformer');
  });
});

describe('input: a Standard Schema', () => {
  it('validates as it is', async () => {
    await withApp(metadata, async ({ client }) => {
      expect(await (await client.run(EvenWorkflow, 4)).result()).toBe(2);
      const error = await refusalOf(client.run(EvenWorkflow, 3));
      expect((error as InputValidationError).issues).toEqual([{ path: 'number', message: 'not even' }]);
    });
  });
});
