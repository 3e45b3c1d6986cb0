import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsPositive, IsString, MinLength, ValidateNested } from 'class-validator';
import { createDtoSchema, loadDtoValidation } from '../../../lib/execution/redflow-dto.schema.js';
import {
  InputValidationError,
  InvalidOptionError,
  OnEvent,
  type StandardSchemaV1,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { type App, bootError, connection, withApp } from '../fixtures.js';

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

  it('tells items of arrays inside of nested objects apart', async () => {
    class Box {
      @ValidateNested({ each: true })
      @Type(() => Item)
      items!: Item[];

      @IsString({ each: true })
      labels!: string[];
    }
    class Parcel {
      @ValidateNested()
      @Type(() => Box)
      main!: Box;

      @ValidateNested({ each: true })
      @Type(() => Box)
      further!: Box[];
    }
    @Workflow({ name: 'parcel', input: Parcel })
    class ParcelWorkflow {
      async run(_ctx: WorkflowContext<Parcel>): Promise<void> {}
    }
    await withApp({ providers: [ParcelWorkflow] }, async ({ client }) => {
      const input = {
        main: { items: [{ price: 1 }, { price: -1 }], labels: [7] },
        further: [{ items: [{ price: 'x' }], labels: [] }, null],
      };
      expect(((await refusalOf(client.run('parcel', input))) as InputValidationError).issues).toEqual([
        { path: 'main.items.1.price', message: 'price must be a positive number' },
        { path: 'main.labels', message: 'each value in labels must be a string' },
        { path: 'further.0.items.0.price', message: 'price must be a positive number' },
        { path: 'further.1', message: 'each value in nested property further must be either object or array' },
      ]);
    });
  });

  it('takes an instance as well as a plain object', async () => {
    await withApp(metadata, async ({ client }) => {
      const order = Object.assign(new CreateOrder(), { customer: 'Ada', items: [Object.assign(new Item(), { price: 3 })] });
      expect(await (await client.run(OrderWorkflow, order)).result()).toEqual({ instance: true, labels: ['3 EUR'] });
    });
  });

  it('checks for a process that has the class but does not provide it, and at the worker for one that has only the name', async () => {
    const redflow = connection();
    const produce = async ({ client }: App): Promise<void> => {
      const input = { customer: 'Ada', items: [{ price: -1 }] };
      const issues = [{ path: 'items.0.price', message: 'price must be a positive number' }];
      expect(await refusalOf(client.run(OrderWorkflow, input as CreateOrder))).toMatchObject({ issues });
      const handle = await client.runByName('order', input);
      await refusalOf(handle.result());
      expect(await handle.getState()).toMatchObject({ status: 'failed', attempt: 1, error: { name: 'InputValidationError' } });
    };
    await withApp(metadata, () => withApp({}, produce, { redflow: { ...redflow, worker: false } }), { redflow });
  });

  it('makes the input of a method an instance', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Prices {
      @OnEvent('price', { input: Item, maxAttempts: 1 })
      async take(item: Item): Promise<void> {
        seen.push(item.label);
      }
    }
    await withApp({ providers: [Prices] }, async ({ client }) => {
      const [handle] = await client.emitEvent('price', { price: 3 });
      await handle.result();
      expect(seen).toEqual(['3 EUR']);
      expect(await client.emitEvent('price', { price: -1 })).toEqual([]);
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

  it('refuses a class that nothing of would be validated, as one of another library', async () => {
    class Undecorated {
      static readonly schema = evenNumber;
      customer!: string;
    }
    @Workflow({ name: 'unchecked', input: Undecorated })
    class UncheckedWorkflow {
      async run(_ctx: WorkflowContext<Undecorated>): Promise<void> {}
    }
    const error = await bootError({ providers: [UncheckedWorkflow] });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error.message).toBe(
      'Class "Undecorated" as a workflow\'s input has no decorators of class-validator, so it would accept everything. Decorate its ' +
        'properties, or give a Standard Schema (zod, valibot, arktype) instead.',
    );
    class Heir extends Item {}
    await expect(loadDtoValidation(Heir)).resolves.toBeDefined();
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
