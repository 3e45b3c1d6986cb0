import type { DiscoveryService } from '@nestjs/core';
import type { DecoratedClass, MethodKey, WorkflowMetadata } from '../metadata/workflow-metadata.interface.js';

/** Nest's record of one provider. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** A workflow that a provider holds: the provider itself, or one of its methods. */
export interface DiscoveredWorkflow {
  readonly metadata: WorkflowMetadata;
  /** The class that carries or inherits the metadata. */
  readonly target: DecoratedClass;
  readonly wrapper: ProviderWrapper;
  readonly moduleName: string;
  /** The method that is the workflow; none if it is the provider, with its `run()`. */
  readonly method?: MethodKey;
  /** The provider's `@OnFailure()` method. */
  readonly failureHook?: MethodKey;
}
