import type { WorkflowMeta } from '../../core/api/registry.types.js';
import { canBeName } from '../../core/checks/checks.js';
import type { RedisConnection } from '../connection/connection.js';
import type { Keyspace } from '../keyspace.js';

/** Reads what workers have registered of their workflows. */
export class WorkflowMetas {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: Keyspace,
  ) {}

  async names(): Promise<string[]> {
    return (await this.connection.repeated((redis) => redis.hkeys(this.keys.workflows))).sort();
  }

  async get(name: string): Promise<WorkflowMeta | null> {
    if (!canBeName(name, 'name')) return null;
    const text = await this.connection.repeated((redis) => redis.hget(this.keys.workflows, name));
    return text === null ? null : (JSON.parse(text) as WorkflowMeta);
  }

  /** Of a workflow, that a deployment has declared which lives, or was the last one. */
  async versionsOf(name: string): Promise<string[]> {
    if (!canBeName(name, 'name')) return [];
    const texts = await this.connection.repeated((redis) => redis.hvals(this.keys.declarations(name)));
    const metas = texts.map((text) => JSON.parse((JSON.parse(text) as { readonly m: string }).m) as WorkflowMeta);
    return [...new Set(metas.flatMap(({ versions = [] }) => versions))].sort();
  }

  async all(): Promise<WorkflowMeta[]> {
    const texts = await this.connection.repeated((redis) => redis.hvals(this.keys.workflows));
    return texts.map((text) => JSON.parse(text) as WorkflowMeta).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
