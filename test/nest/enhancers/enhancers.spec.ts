import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  type PipeTransform,
  Scope,
  SetMetadata,
  type Type,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, REQUEST, Reflector } from '@nestjs/core';
import { IsInt } from 'class-validator';
import { map, type Observable } from 'rxjs';
import {
  currentRun,
  type FailureContext,
  isRedflowContext,
  OnEvent,
  OnFailure,
  Step,
  Workflow,
  type WorkflowContext,
} from '../../../lib/index.js';
import { perPass } from '../../support/passes.js';
import { bootError, withApp } from '../fixtures.js';

@Injectable()
class Trace {
  readonly lines: string[] = [];
}

@Injectable()
class TracingGuard implements CanActivate {
  constructor(
    private readonly trace: Trace,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.getAllAndOverride('role', [context.getHandler(), context.getClass()]);
    const where = `${context.getClass().name}.${context.getHandler().name}`;
    this.trace.lines.push(`guard ${where} ${isRedflowContext(context)} ${currentRun()?.run.id} ${role}`);
    return role !== 'nobody';
  }
}

@Injectable()
class ShoutingInterceptor implements NestInterceptor {
  constructor(private readonly trace: Trace) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.trace.lines.push('interceptor');
    return next.handle().pipe(map((value) => `${value}!`));
  }
}

@Injectable()
class TrimPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.trim() : value;
  }
}

@Injectable()
@Catch(RangeError)
class RangeFilter implements ExceptionFilter {
  catch(error: RangeError, host: ArgumentsHost): string {
    return `${error.message} in ${host.getType()}`;
  }
}

const enhancers = [Trace, TracingGuard, ShoutingInterceptor, TrimPipe, RangeFilter];

@Injectable()
class Greeter {
  @UseGuards(TracingGuard)
  @Step('greet')
  @SetMetadata('role', 'greeter')
  @UseInterceptors(ShoutingInterceptor)
  @UsePipes(TrimPipe)
  async greet(name: string): Promise<string> {
    return `Hello ${name}`;
  }

  @Step('measure')
  @UseFilters(RangeFilter)
  async measure(): Promise<string> {
    throw new RangeError('too long');
  }
}

@Workflow({ name: 'greeting', retries: { maxAttempts: 2, delay: 1 } })
@SetMetadata('role', 'caller')
class GreetingWorkflow {
  constructor(private readonly greeter: Greeter) {}

  @UseGuards(TracingGuard)
  @UseInterceptors(ShoutingInterceptor)
  @UsePipes(TrimPipe)
  async run(ctx: WorkflowContext<string>): Promise<string> {
    const greeting = await this.greeter.greet(` ${ctx.input} `);
    if (ctx.run.attempt === 1) throw new Error('once');
    return `${greeting} ${await this.greeter.measure()}`;
  }
}

describe('guards, interceptors, pipes and filters', () => {
  it('run around a workflow, guards until something of it is stored, and around a step for each execution, not for a replay', async () => {
    const providers = [...enhancers, Greeter, GreetingWorkflow];
    await withApp({ providers }, async ({ module, client }) => {
      const handle = await client.run(GreetingWorkflow, '  Ada ', { runId: 'r' });
      expect(await handle.result()).toBe('Hello Ada! too long in redflow!');
      const lines = module.get(Trace).lines;
      expect(lines.filter((line) => line.includes('GreetingWorkflow'))).toEqual(['guard GreetingWorkflow.run true r caller']);
      const executions = 1;
      const passes = (await client.getRunAttempts('r')).length;
      expect(lines.filter((line) => line === 'interceptor')).toHaveLength(passes + executions);
      expect(lines.filter((line) => line.includes('Greeter.'))).toEqual(['guard Greeter.greet true r greeter']);
    });
  });

  it('bound to a class surround a method that a tool puts in place of its own after the boot', async () => {
    @Workflow('traced')
    @UseGuards(TracingGuard)
    class TracedWorkflow {
      async run(_ctx: WorkflowContext<void>): Promise<string> {
        return 'own';
      }
    }
    await withApp({ providers: [...enhancers, TracedWorkflow] }, async ({ module, client }) => {
      expect(await (await client.run(TracedWorkflow, undefined)).result()).toBe('own');
      module.get(TracedWorkflow).run = async () => 'replaced';
      expect(await (await client.run(TracedWorkflow, undefined)).result()).toBe('replaced');
      expect(module.get(Trace).lines).toHaveLength(2);
    });
  });

  it('deny a run with the exception of the guard', async () => {
    @Workflow({ name: 'denied', maxAttempts: 1 })
    @UseGuards(TracingGuard)
    class DeniedWorkflow {
      @SetMetadata('role', 'nobody')
      async run(_ctx: WorkflowContext<void>): Promise<void> {}
    }
    await withApp({ providers: [...enhancers, DeniedWorkflow] }, async ({ client }) => {
      const handle = await client.run(DeniedWorkflow, undefined);
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'ForbiddenException' } });
    });
  });

  it('transform the input of a method that is a workflow by the type of its parameter', async () => {
    class Reading {
      @IsInt()
      celsius!: number;
    }
    const seen: Reading[] = [];
    @Injectable()
    class Readings {
      @OnEvent('reading', { name: 'reading', maxAttempts: 1 })
      @UsePipes(new ValidationPipe({ transform: true }))
      async take(reading: Reading, _ctx: WorkflowContext): Promise<void> {
        seen.push(reading);
      }
    }
    await withApp({ providers: [Readings] }, async ({ client }) => {
      const [good] = await client.emitEvent('reading', { celsius: 20 });
      await good.result();
      expect(seen).toEqual([expect.any(Reading)]);
      const [bad] = await client.emitEvent('reading', { celsius: 'warm' });
      await expect(bad.result()).rejects.toMatchObject({ cause: { name: 'BadRequestException' } });
    });
  });

  it('may be request-scoped, on a workflow and on a step: REQUEST is the WorkflowContext', async () => {
    const seen: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class TenantGuard implements CanActivate {
      constructor(@Inject(REQUEST) private readonly ctx: WorkflowContext<string>) {}

      canActivate(context: ExecutionContext): boolean {
        seen.push(`${context.getHandler().name} of ${this.ctx.input}`);
        return true;
      }
    }
    @Injectable()
    class Vault {
      @Step()
      @UseGuards(TenantGuard)
      async open(): Promise<void> {}
    }
    @Workflow('tenant')
    @UseGuards(TenantGuard)
    class TenantWorkflow {
      constructor(private readonly vault: Vault) {}

      async run(_ctx: WorkflowContext<string>): Promise<void> {
        await this.vault.open();
      }
    }
    await withApp({ providers: [Vault, TenantWorkflow] }, async ({ client }) => {
      await (await client.run(TenantWorkflow, 'acme')).result();
      expect(perPass(seen)).toEqual(['run of acme', 'open of acme']);
    });
  });

  it('are the bound ones only: those of the whole application are for its requests', async () => {
    const refuse = (): never => {
      throw new Error('There is no request.');
    };
    const providers = [
      ...enhancers,
      Greeter,
      GreetingWorkflow,
      { provide: APP_GUARD, useValue: { canActivate: refuse } },
      { provide: APP_INTERCEPTOR, useValue: { intercept: refuse } },
    ];
    await withApp({ providers }, async ({ client }) => {
      expect(await (await client.run(GreetingWorkflow, 'Ada')).result()).toBe('Hello Ada! too long in redflow!');
    });
  });
});

describe('an enhancer that Nest would leave out', () => {
  @Workflow('guarded')
  @UseGuards(TracingGuard)
  class GuardedWorkflow {
    async run(_ctx: WorkflowContext<void>): Promise<void> {}
  }

  it('fails the boot when it is bound to a workflow', async () => {
    const error = await bootError({
      providers: [...enhancers, { provide: GuardedWorkflow, useFactory: () => new GuardedWorkflow() }],
    });
    expect(error.name).toBe('RedflowSetupError');
    expect(error.message).toBe(
      '"TracingGuard" is bound to "GuardedWorkflow.run" as a class, and Nest has no instance of it for that provider. It makes them for ' +
        'providers that are registered as a class, without useFactory or useValue, and none that are transient. Bind an instance ' +
        'instead: new TracingGuard(…).',
    );
  });

  @Injectable()
  class Vault {
    @Step()
    @UseGuards(TracingGuard)
    async open(): Promise<void> {}
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class PerUseGuard extends TracingGuard {}

  @Injectable()
  class OddVault {
    @Step()
    @UseGuards(PerUseGuard)
    async open(): Promise<void> {}
  }

  @Injectable({ scope: Scope.REQUEST })
  class OddVaultPerRun extends OddVault {}

  it.each([
    ['of what a factory makes', { provide: Vault, useFactory: () => new Vault() }, '"TracingGuard" is bound to "Vault.open"'],
    ['of a value', { provide: 'VAULT', useValue: new Vault() }, '"TracingGuard" is bound to "Vault.open"'],
    ['of a class, and is transient', OddVault, '"PerUseGuard" is bound to "OddVault.open"'],
    ['of a request-scoped class, and is transient', OddVaultPerRun, '"PerUseGuard" is bound to "OddVaultPerRun.open"'],
  ])('fails the boot when it is bound to a step %s', async (_of, vault, reason) => {
    const error = await bootError({ providers: [...enhancers, vault] });
    expect(error.name).toBe('RedflowSetupError');
    expect(error.message).toContain(`${reason} as a class, and Nest has no instance of it`);
  });

  it('does not matter where a test double has put another method in place of the step', async () => {
    @Injectable()
    @UseGuards(TracingGuard)
    class Safe {
      @Step()
      async open(): Promise<string> {
        return 'open';
      }
    }
    @Workflow({ name: 'heist', maxAttempts: 1 })
    class HeistWorkflow {
      constructor(private readonly safe: Safe) {}

      async run(_ctx: WorkflowContext<void>): Promise<string> {
        return this.safe.open();
      }
    }
    // As the stubs of sinon and ts-mockito are made.
    const stub = Object.assign(Object.create(Safe.prototype), { open: async () => 'stub' });
    await withApp({ providers: [HeistWorkflow, { provide: Safe, useValue: stub }] }, async ({ client }) => {
      expect(await (await client.run(HeistWorkflow, undefined)).result()).toBe('stub');
    });
  });

  it('is none when a test overrides it', async () => {
    const overridden = await withApp(
      { providers: [Trace, OddVault, GuardedWorkflow] },
      async ({ client }) => (await client.run(GuardedWorkflow, undefined)).result(),
      {
        override: (builder) =>
          [PerUseGuard, TracingGuard].reduce(
            (overriding, guard) => overriding.overrideGuard(guard).useValue({ canActivate: () => true }),
            builder,
          ),
      },
    );
    expect(overridden).toBeUndefined();
  });

  it('fails the run when what a factory makes for each run has it bound to a step', async () => {
    @Workflow({ name: 'heist', maxAttempts: 1 })
    @Injectable()
    class HeistWorkflow {
      constructor(private readonly vault: Vault) {}

      async run(_ctx: WorkflowContext<void>): Promise<void> {
        await this.vault.open();
      }
    }
    const vaultPerRun = { provide: Vault, scope: Scope.REQUEST, useFactory: () => new Vault() };
    await withApp({ providers: [...enhancers, HeistWorkflow, vaultPerRun] }, async ({ client }) => {
      const handle = await client.run(HeistWorkflow, undefined);
      await expect(handle.result()).rejects.toMatchObject({
        cause: {
          name: 'RedflowSetupError',
          message: expect.stringContaining('"TracingGuard" is bound to "Vault.open" as a class'),
        },
      });
    });
  });
});

describe('a step that is called without its provider', () => {
  class Closed implements CanActivate {
    canActivate(): boolean {
      return false;
    }
  }

  class Vault {
    @Step('open')
    @UseGuards(new Closed())
    static async open(): Promise<string> {
      return 'open';
    }

    @Step('peek')
    async peek(): Promise<string> {
      return 'inside';
    }
  }

  @UseGuards(new Closed())
  class Safe extends Vault {
    @Step('look')
    async look(): Promise<string> {
      return 'inside';
    }
  }

  @Workflow({ name: 'burglary', maxAttempts: 1 })
  class BurglaryWorkflow {
    async run(ctx: WorkflowContext<'open' | 'look' | 'peek'>): Promise<string> {
      const { look, peek } = new Safe();
      return { open: () => Vault.open(), look, peek }[ctx.input].call(undefined as never);
    }
  }

  it.each([
    ['open', 'Vault.open'],
    ['look', 'Safe.look'],
  ] as const)('fails when guards are bound to it, which would be passed by: %s', async (input, member) => {
    await withApp({ providers: [BurglaryWorkflow] }, async ({ client }) => {
      await expect((await client.run(BurglaryWorkflow, input)).result()).rejects.toMatchObject({
        cause: {
          name: 'RedflowSetupError',
          message:
            `Enhancers are bound to step "${member}", which was called without a provider: as a static method, or as a function taken ` +
            'from its object. Call it on the provider, or remove them.',
        },
      });
    });
  });

  it('runs when none are', async () => {
    await withApp({ providers: [BurglaryWorkflow] }, async ({ client }) => {
      expect(await (await client.run(BurglaryWorkflow, 'peek')).result()).toBe('inside');
    });
  });
});

describe('an enhancer of a class that two modules provide', () => {
  @Injectable()
  class Suffix implements PipeTransform {
    constructor(@Inject('SUFFIX') private readonly suffix: string) {}

    transform(value: unknown): unknown {
      return `${value}${this.suffix}`;
    }
  }

  @Injectable()
  class SuffixGuard implements CanActivate {
    constructor(
      @Inject('SUFFIX') private readonly suffix: string,
      @Inject('TRACE') private readonly trace: string[],
    ) {}

    canActivate(): boolean {
      this.trace.push(this.suffix);
      return true;
    }
  }

  class Marker {
    @Step()
    @UseGuards(SuffixGuard)
    @UsePipes(Suffix)
    async mark(value: string): Promise<string> {
      return value;
    }
  }

  @Injectable()
  class SingletonMarker extends Marker {}

  @Injectable({ scope: Scope.REQUEST })
  class ScopedMarker extends Marker {}

  @Injectable({ scope: Scope.TRANSIENT })
  class TransientMarker extends Marker {}

  @Module({})
  class MarkModule {}

  const marks = async (type: Type<Marker>) => {
    const trace: string[] = [];
    const moduleOf = (suffix: string) => {
      @Workflow({ name: `mark-${suffix}`, maxAttempts: 1 })
      class MarkWorkflow {
        constructor(@Inject(type) private readonly marker: Marker) {}

        async run(_ctx: WorkflowContext<void>): Promise<string> {
          return this.marker.mark('x');
        }
      }
      const values = [
        { provide: 'SUFFIX', useValue: suffix },
        { provide: 'TRACE', useValue: trace },
      ];
      return { module: MarkModule, providers: [type, MarkWorkflow, ...values] };
    };
    const results = await withApp({ imports: [moduleOf('a'), moduleOf('b')] }, async ({ client }) => [
      await (await client.run('mark-a', undefined)).result(),
      await (await client.run('mark-b', undefined)).result(),
    ]);
    return { results, trace };
  };

  it('is that of the module whose provider is called', async () => {
    expect(await marks(SingletonMarker)).toEqual({ results: ['xa', 'xb'], trace: ['a', 'b'] });
  });

  it('is so for request-scoped providers, too', async () => {
    expect(await marks(ScopedMarker)).toEqual({ results: ['xa', 'xb'], trace: ['a', 'b'] });
  });

  it('is so for transient providers, too', async () => {
    expect(await marks(TransientMarker)).toEqual({ results: ['xa', 'xb'], trace: ['a', 'b'] });
  });

  it('is found when a factory of another module passes the provider on', async () => {
    @Workflow({ name: 'passed-on', maxAttempts: 1 })
    class PassedOnWorkflow {
      constructor(@Inject('SAME') private readonly marker: Marker) {}

      async run(_ctx: WorkflowContext<void>): Promise<string> {
        return this.marker.mark('x');
      }
    }
    const values = [
      { provide: 'SUFFIX', useValue: '!' },
      { provide: 'TRACE', useValue: [] },
    ];
    @Module({ providers: [SingletonMarker, ...values], exports: [SingletonMarker] })
    class OwnerModule {}
    const same = { provide: 'SAME', useFactory: (marker: SingletonMarker) => marker, inject: [SingletonMarker] };
    await withApp({ imports: [OwnerModule], providers: [same, PassedOnWorkflow] }, async ({ client }) => {
      expect(await (await client.run(PassedOnWorkflow, undefined)).result()).toBe('x!');
    });
  });
});

describe('a decorator of a parameter', () => {
  const Tenant = createParamDecorator(() => 'acme');
  const refusal = (where: string) =>
    `A parameter of ${where} has a decorator, and nothing would fill it: workflows get (ctx), (input, ctx) or (failure). Read what ` +
    'you need from there, or from currentRun().';

  it('fails the boot on a workflow class', async () => {
    @Workflow('tenants')
    class TenantsWorkflow {
      async run(_ctx: WorkflowContext<void>, @Tenant() _tenant?: string): Promise<void> {}
    }
    @Injectable()
    class HeirWorkflow extends TenantsWorkflow {}
    const error = await bootError({ providers: [TenantsWorkflow] });
    expect(error.message).toBe(refusal('method "TenantsWorkflow.run" (module "RootTestModule")'));
    expect((await bootError({ providers: [HeirWorkflow] })).message).toContain('"HeirWorkflow.run"');
  });

  it('fails the boot on a method that is a workflow, and on a failure hook', async () => {
    @Injectable()
    class Listener {
      @OnEvent('tenant')
      async take(_input: unknown, _ctx: WorkflowContext, @Tenant() _tenant?: string): Promise<void> {}
    }
    expect((await bootError({ providers: [Listener] })).message).toContain('"Listener.take"');
    @Workflow('failing')
    class FailingWorkflow {
      async run(_ctx: WorkflowContext<void>): Promise<void> {}

      @OnFailure()
      async tell(_failure: FailureContext<void>, @Tenant() _tenant?: string): Promise<void> {}
    }
    expect((await bootError({ providers: [FailingWorkflow] })).message).toContain('"FailingWorkflow.tell"');
  });

  it('is gone with the method that is overridden', async () => {
    @Workflow('tenants')
    class TenantsWorkflow {
      async run(_ctx: WorkflowContext<void>, @Tenant() _tenant?: string): Promise<string> {
        return 'base';
      }
    }
    @Injectable()
    class OverridingWorkflow extends TenantsWorkflow {
      override async run(_ctx: WorkflowContext<void>): Promise<string> {
        return 'heir';
      }
    }
    await withApp({ providers: [OverridingWorkflow] }, async ({ client }) => {
      expect(await (await client.run(TenantsWorkflow, undefined)).result()).toBe('heir');
    });
  });
});

describe('enhancers of a method that is a workflow and a step', () => {
  it('run around the step only: once, whatever is replayed', async () => {
    const seen: string[] = [];
    class Once implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        seen.push(context.getHandler().name);
        return true;
      }
    }
    class Shout implements PipeTransform {
      transform(value: unknown): unknown {
        if (typeof value !== 'string') throw new TypeError('no input');
        return `${value}!`;
      }
    }
    @Injectable()
    class Listener {
      @OnEvent('word', { maxAttempts: 1, name: 'word' })
      @UseGuards(new Once())
      @UsePipes(new Shout())
      @Step()
      async take(word: string, ctx: WorkflowContext<string>): Promise<string> {
        return `${word} ${ctx.event?.name}`;
      }
    }
    await withApp({ providers: [Listener] }, async ({ client }) => {
      const [handle] = await client.emitEvent('word', 'hey');
      expect(await handle.result()).toBe('hey! word');
      expect(seen).toEqual(['take']);
    });
  });
});
