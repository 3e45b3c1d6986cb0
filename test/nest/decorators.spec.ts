import { describe, expect, it } from '@jest/globals';
import { SetMetadata } from '@nestjs/common';
import { InvalidOptionError, Step, Workflow } from '../../lib/index.js';

describe('@Step() on a method', () => {
  it('keeps the metadata, name and length of the method, wherever it stands among decorators', () => {
    class Service {
      @SetMetadata('above', 1)
      @Step()
      @SetMetadata('below', 2)
      async method(_a: string, _b: string): Promise<void> {}
    }
    const { method } = Service.prototype;
    expect([Reflect.getMetadata('above', method), Reflect.getMetadata('below', method)]).toEqual([1, 2]);
    expect([method.name, method.length]).toEqual(['method', 2]);
  });

  it('refuses what is no method', () => {
    class Service {
      get total(): number {
        return 1;
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, 'total') as TypedPropertyDescriptor<never>;
    const decorate = () => Step()(Service.prototype, 'total', descriptor);
    expect(decorate).toThrow(InvalidOptionError);
    expect(decorate).toThrow('@Step() decorates methods only, and "Service.total" is none: turn it into an async method.');
  });
});

describe('@Workflow() on a class', () => {
  it('needs a name when the class has none', () => {
    const decorate = () =>
      Workflow()(
        class {
          async run(): Promise<void> {}
        },
      );
    expect(decorate).toThrow('@Workflow() on a class without a name: pass one, @Workflow("my-workflow").');
  });
});
