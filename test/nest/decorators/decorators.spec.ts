import { describe, expect, it } from '@jest/globals';
import { SetMetadata } from '@nestjs/common';
import { InvalidOptionError, OnCron, OnEvent, OnFailure, Step, Workflow } from '../../../lib/index.js';

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

describe('@OnEvent(), @OnCron() and @OnFailure() on what they cannot serve', () => {
  const decorators: Record<string, MethodDecorator> = {
    '@OnEvent("a")': OnEvent('a') as MethodDecorator,
    '@OnCron("* * * * *")': OnCron('* * * * *') as MethodDecorator,
    '@OnFailure()': OnFailure() as MethodDecorator,
  };

  it.each(Object.entries(decorators))('%s refuses a getter', (name, decorate) => {
    class Service {
      get total(): number {
        return 1;
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, 'total') as TypedPropertyDescriptor<never>;
    expect(() => decorate(Service.prototype, 'total', descriptor)).toThrow(
      `${name} decorates methods only, and "Service.total" is none: turn it into an async method.`,
    );
  });

  it.each(Object.entries(decorators))('%s refuses a static method', (name, decorate) => {
    class Service {
      static async total(): Promise<void> {}
      readonly instance = true;
    }
    const descriptor = Object.getOwnPropertyDescriptor(Service, 'total') as TypedPropertyDescriptor<never>;
    expect(() => decorate(Service, 'total', descriptor)).toThrow(
      `${name} is for methods of providers, and "Service.total" is static: remove "static".`,
    );
  });

  it('say that an event is missing', () => {
    const circular: unknown = undefined;
    expect(() => OnEvent(circular as string)).toThrow(InvalidOptionError);
    expect(() => OnEvent(circular as string)).toThrow(
      '@OnEvent() takes the name of an event or what defineEvent() made; got undefined. Undefined comes from a circular import: ' +
        'define the event in a file that imports neither side.',
    );
  });
});
