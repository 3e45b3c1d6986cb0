import { Inject, Injectable, type InjectionToken, type OnModuleInit, Scope } from '@nestjs/common';
import { LazyModuleLoader, ModulesContainer } from '@nestjs/core';
import type { ProviderWrapper } from '../discovery/discovered-workflow.interface.js';
import { REDFLOW_CONNECTION_NAME, REDFLOW_RESOLVED_OPTIONS } from '../redflow.constants.js';
import { RedflowSetupError } from '../redflow.errors.js';
import { requestScopedOptions, requestScopedProvider } from '../redflow.messages.js';
import { workersOf } from './redflow-workers.module.js';

/**
 * Refuses the boot when a provider of `RedflowModule` depends on a request. Nest would call none of its hooks, and make another one for
 * each request, without a word: no worker, and connections that nobody closes.
 */
@Injectable()
export class RedflowScopeInspector implements OnModuleInit {
  constructor(
    @Inject(REDFLOW_CONNECTION_NAME) private readonly connection: string,
    private readonly modules: ModulesContainer,
    private readonly loader: LazyModuleLoader,
  ) {}

  async onModuleInit(): Promise<void> {
    const workers = await workersOf(this.loader);
    await workers.orDisconnect(async () => {
      const host = [...this.modules.values()].find((module) => module.providers.get(RedflowScopeInspector)?.instance === this);
      const providers = [...(host?.providers.values() ?? [])].filter((provider) => !provider.isDependencyTreeStatic());
      // Most others depend on the options; where these are the cause, they are what is named.
      const provider = providers.find(({ token }) => token === REDFLOW_RESOLVED_OPTIONS) ?? providers[0];
      if (provider) this.refuse(provider);
    });
  }

  private refuse(provider: ProviderWrapper): never {
    const path = pathToScoped(provider) ?? [provider];
    const names = path.map(({ token }) => tokenName(token));
    const scoped = names[names.length - 1];
    if (provider.token !== REDFLOW_RESOLVED_OPTIONS)
      throw new RedflowSetupError(requestScopedProvider(this.connection, names[0], scoped));
    // Before it are the options as they are checked and as they are given, and whoever it is injected into.
    throw new RedflowSetupError(requestScopedOptions(this.connection, scoped, names.slice(2, -1).at(-1)));
  }
}

/** From a provider to the one that makes it request-scoped, by what is injected. */
function pathToScoped(provider: ProviderWrapper, seen = new Set<ProviderWrapper>()): ProviderWrapper[] | undefined {
  if (provider.scope === Scope.REQUEST) return [provider];
  if (provider.isDependencyTreeStatic() || seen.has(provider)) return undefined;
  seen.add(provider);
  const properties = provider.getPropertiesMetadata() ?? [];
  for (const injected of [...(provider.getCtorMetadata() ?? []), ...properties.map(({ wrapper }) => wrapper)]) {
    const rest = injected && pathToScoped(injected, seen);
    if (rest) return [provider, ...rest];
  }
  return undefined;
}

function tokenName(token: InjectionToken): string {
  return typeof token === 'function' ? token.name : String(token);
}
