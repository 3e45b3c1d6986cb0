import type { Cluster, Redis } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** Told by what it can do, not by its class: an application may bring another copy of ioredis, or another version. */
export function isClient(value: unknown): value is RedisClient {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Redis>).evalsha === 'function';
}

/** Told as in {@link isClient}. */
export function isCluster(value: unknown): value is Cluster {
  return isClient(value) && value.isCluster;
}
