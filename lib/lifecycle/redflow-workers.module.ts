import { Module } from '@nestjs/common';
import type { LazyModuleLoader } from '@nestjs/core';
import { RedflowWorkers } from './redflow.workers.js';

/** One per application, whatever the number of connections: what starts and drains their workers. */
@Module({ providers: [RedflowWorkers] })
class RedflowWorkersModule {}

/** By the loader, of which each application has one. */
const loaded = new WeakMap<LazyModuleLoader, Promise<RedflowWorkers>>();

/**
 * The workers of an application.
 *
 * Nest tells modules that the application boots, the deepest of the tree of imports first, up to the root, and that it ends the other
 * way round; global modules, as those of connections, count as deepest. What is loaded while providers are made is in no place of the
 * tree, so it is told after the root, or before it: no import would do that.
 */
export function workersOf(loader: LazyModuleLoader): Promise<RedflowWorkers> {
  // Nest 11 would answer a second load with a module that is not built yet.
  const loading = loaded.get(loader) ?? load(loader);
  loaded.set(loader, loading);
  return loading;
}

async function load(loader: LazyModuleLoader): Promise<RedflowWorkers> {
  const module = await loader.load(() => RedflowWorkersModule);
  return module.get(RedflowWorkers);
}
