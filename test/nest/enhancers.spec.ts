import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, REQUEST, Reflector } from '@nestjs/core';
import { IsInt } from 'class-validator';
import { map, type Observable } from 'rxjs';
import { currentRun, isRedflowContext, OnEvent, Step, Workflow, type WorkflowContext } from '../../lib/index.js';
import { perPass } from '../support/passes.js';
import { bootError, withApp } from './fixtures.js';

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
  it('run around a workflow for each pass, and around a step for each execution, not for a replay', async () => {
    const providers = [...enhancers, Greeter, GreetingWorkflow];
    await withApp({ providers }, async ({ module, client }) => {
      const handle = await client.run(GreetingWorkflow, '  Ada ', { runId: 'r' });
      expect(await handle.result()).toBe('Hello Ada! too long in redflow!');
      const lines = module.get(Trace).lines;
      const ofWorkflow = lines.filter((line) => line.includes('GreetingWorkflow'));
      expect(new Set(ofWorkflow)).toEqual(new Set(['guard GreetingWorkflow.run true r caller']));
      expect(ofWorkflow).toHaveLength((await client.getRunAttempts('r')).length);
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
