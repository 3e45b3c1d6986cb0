import type { WorkflowMeta } from '../core/client.types.js';
import type { RedisConnection } from './connection.js';
import type { Keyspace } from './keyspace.js';

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
    const text = await this.connection.repeated((redis) => redis.hget(this.keys.workflows, name));
    return text === null ? null : toMeta(text);
  }

  async all(): Promise<WorkflowMeta[]> {
    const texts = await this.connection.repeated((redis) => redis.hvals(this.keys.workflows));
    return texts.map(toMeta).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** Lua writes an empty object as an empty array. */
function toMeta(text: string): WorkflowMeta {
  const meta = JSON.parse(text) as WorkflowMeta;
  return Array.isArray(meta.tags) ? { ...meta, tags: {} } : meta;
}
