import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { OnEvent, RedflowClient, RedflowModule, RedflowSetupError, type WorkflowContext } from '../../../lib/index.js';
import { bootError, connection, definitionsOf, withApp } from '../fixtures.js';

@Injectable()
class Greeting {
  readonly word = 'hello';
}

@Injectable()
class Greeter {
  constructor(private readonly greeting: Greeting = new Greeting()) {}

  @OnEvent('guest.arrived')
  async greet(guest: string, _ctx: WorkflowContext<string>): Promise<string> {
    return `${this.greeting.word} ${guest} from ${this.constructor.name}`;
  }
}

@Injectable()
class KindGreeter extends Greeter {}

const greet = (metadata: Parameters<typeof withApp>[0], options?: Parameters<typeof withApp>[2]) =>
  withApp(metadata, async ({ client }) => (await client.runByName('Greeter.greet', 'Ada')).result(), options);
const namesOf = async (metadata: Parameters<typeof withApp>[0]) => [...(await definitionsOf(metadata)).keys()];

describe('discovery of workflow methods', () => {
  it('finds them on classes, values and what factories make', async () => {
    expect(await greet({ providers: [Greeting, Greeter] })).toBe('hello Ada from Greeter');
    expect(await greet({ providers: [{ provide: 'VALUE', useValue: new Greeter() }] })).toBe('hello Ada from Greeter');
    const factory = { provide: 'FACTORY', useFactory: async (word: Greeting) => new Greeter(word), inject: [Greeting] };
    expect(await greet({ providers: [Greeting, factory] })).toBe('hello Ada from Greeter');
  });

  it('finds inherited ones, once', async () => {
    expect(await greet({ providers: [Greeting, KindGreeter] })).toBe('hello Ada from KindGreeter');
    expect(await namesOf({ providers: [Greeting, KindGreeter] })).toEqual(['Greeter.greet']);
  });

  it('finds those of symbols', async () => {
    const secret = Symbol('secret');
    @Injectable()
    class Symbolic {
      @OnEvent('guest.arrived')
      [secret](): void {}
    }
    expect(await namesOf({ providers: [Symbolic] })).toEqual(['Symbolic.secret']);
  });

  it('counts an override with its own decorators only', async () => {
    @Injectable()
    class MuteGreeter extends Greeter {
      override async greet(): Promise<string> {
        return '';
      }
    }
    const base = { provide: Greeter, useClass: MuteGreeter };
    expect(await namesOf({ providers: [Greeting, base] })).toEqual([]);
    expect(await namesOf({ providers: [Greeting, Greeter, MuteGreeter] })).toEqual(['Greeter.greet']);
  });

  it('calls no getter', async () => {
    const read: string[] = [];
    class Watched {
      get label(): string {
        read.push('label');
        return '';
      }

      @OnEvent('guest.arrived')
      greet(): void {}
    }
    class Heir extends Watched {
      override get label(): string {
        read.push('label of heir');
        return '';
      }
    }
    expect(await namesOf({ providers: [Heir] })).toEqual(['Watched.greet']);
    expect(await namesOf({ providers: [{ provide: 'VALUE', useValue: new Heir() }] })).toEqual(['Watched.greet']);
    expect(read).toEqual([]);
  });

  it('sees a provider once under all its tokens and aliases', async () => {
    const alias = { provide: 'ALIAS', useExisting: Greeter };
    const same = { provide: 'SAME', useFactory: (greeter: Greeter) => greeter, inject: [Greeter] };
    expect(await greet({ providers: [alias, same, Greeting, Greeter] })).toBe('hello Ada from Greeter');
  });

  it('takes a test double that has the method for the provider it overrides', async () => {
    const providers = [Greeting, Greeter];
    const double = (value: object) =>
      ({ override: (builder) => builder.overrideProvider(Greeter).useValue(value) }) as Parameters<typeof withApp>[2];
    expect(await greet({ providers }, double({ greet: async (guest: string) => `double of ${guest}` }))).toBe('double of Ada');
    expect([...(await definitionsOf({ providers }, double({}))).keys()]).toEqual([]);
  });

  it('calls what the container holds at that moment', async () => {
    await withApp({ providers: [Greeting, Greeter] }, async ({ client, module }) => {
      module.get(Greeter).greet = async () => 'instrumented';
      expect(await (await client.runByName('Greeter.greet', 'Ada')).result()).toBe('instrumented');
    });
  });

  it('executes a method on the connection it names', async () => {
    @Injectable()
    class Archivist {
      @OnEvent('guest.left', { connection: 'archive' })
      file(guest: string): string {
        return guest;
      }
    }
    const error = await bootError({ providers: [Archivist] });
    expect(error.message).toBe(
      'Workflow "Archivist.file" of method "Archivist.file" (module "RootTestModule") belongs to connection "archive", which no ' +
        "RedflowModule has. Known: \"default\". Import RedflowModule.forRoot({ name: 'archive' }) or change the decorator's option " +
        'connection.',
    );
    const archive = RedflowModule.forRoot(connection({ name: 'archive' }));
    await withApp({ imports: [archive], providers: [Archivist] }, async ({ module, client }) => {
      const archiveClient = module.get<RedflowClient>('RedflowClient:archive', { strict: false });
      expect(await (await archiveClient.runByName('Archivist.file', 'Ada')).result()).toBe('Ada');
      await expect(client.runByName('Archivist.file', 'Ada')).rejects.toThrow('Archivist.file');
    });
  });
});

describe('workflow methods that contradict each other', () => {
  it('are refused in a base and its subclass beside each other', async () => {
    const error = await bootError({ providers: [Greeting, KindGreeter, Greeter] });
    expect(error).toBeInstanceOf(RedflowSetupError);
    expect(error.message).toBe(
      'Workflow "Greeter.greet" is method "Greeter.greet" (module "RootTestModule") and also method "KindGreeter.greet" (module ' +
        '"RootTestModule"), which inherits it. Provide one of the two classes only, or override the method in the subclass: ' +
        'undecorated to leave the workflow to the base, or with a name of its own.',
    );
  });

  it('are refused when one class is provided in two modules', async () => {
    @Module({ providers: [Greeting, Greeter] })
    class FirstModule {}
    @Module({ providers: [Greeting, Greeter] })
    class SecondModule {}
    expect((await bootError({ imports: [FirstModule, SecondModule] })).message).toBe(
      'Class "Greeter" with workflow method "Greeter.greet" is provided twice, in modules "FirstModule" and "SecondModule", so which ' +
        'instance would execute its runs is open. Provide it in one module and export it from there.',
    );
  });

  it('are refused under one name', async () => {
    @Injectable()
    class Other {
      @OnEvent('guest.arrived', { name: 'Greeter.greet' })
      welcome(): void {}
    }
    expect((await bootError({ providers: [Greeting, Greeter, Other] })).message).toBe(
      'Workflow name "Greeter.greet" is used by method "Greeter.greet" (module "RootTestModule") and by method "Other.welcome" ' +
        '(module "RootTestModule"). Give one of them another: the decorator\'s option name.',
    );
  });
});

describe('workflow methods of providers that are no singletons', () => {
  let made = 0;

  @Injectable({ scope: Scope.REQUEST })
  class Tenant {
    constructor(@Inject(REQUEST) readonly ctx: WorkflowContext<string>) {}
  }

  @Injectable()
  class TenantMails {
    private readonly number = ++made;

    constructor(private readonly tenant: Tenant) {}

    @OnEvent('tenant.joined', { retries: { maxAttempts: 2, delay: 1 } })
    async welcome(input: string, ctx: WorkflowContext<string>): Promise<unknown> {
      if (ctx.run.attempt === 1) throw new Error('once');
      return { input, same: this.tenant.ctx === ctx, number: this.number };
    }
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class Counter {
    private calls = 0;

    constructor(private readonly greeting: Greeting) {}

    @OnEvent('guest.counted')
    count(): string {
      this.calls += 1;
      return `${this.greeting.word} ${this.calls}`;
    }
  }

  it('get one instance per pass and the WorkflowContext as REQUEST', async () => {
    made = 0;
    await withApp({ providers: [Tenant, TenantMails] }, async ({ client }) => {
      const handle = await client.runByName('TenantMails.welcome', 'acme');
      expect(await handle.result()).toEqual({ input: 'acme', same: true, number: 2 });
    });
  });

  it('have their dependencies when transient, too', async () => {
    await withApp({ providers: [Greeting, Counter] }, async ({ client }) => {
      for (const _ of [1, 2]) expect(await (await client.runByName('Counter.count', null)).result()).toBe('hello 1');
    });
  });
});
