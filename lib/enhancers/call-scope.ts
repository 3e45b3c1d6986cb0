import { AsyncLocalStorage } from 'node:async_hooks';
import type { ContextId } from '@nestjs/core';
import { onePerProcess } from '../engine/framework.js';
import type { RedflowEnhancers } from './redflow-enhancers.js';

/** Whose container a call to a workflow belongs to. Steps are decorated where no container is in sight. */
export interface CallScope {
  readonly enhancers: RedflowEnhancers;
  /** That of the instances which were made for the call; none for singletons. */
  readonly contextId?: ContextId;
}

export const callScope = onePerProcess('call-scope', () => new AsyncLocalStorage<CallScope>());
