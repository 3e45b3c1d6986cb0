import type { RedisOptions } from 'ioredis';
import { type ClusterNode, type ConnectionSource, startupNodesOf } from './fresh-client.js';
import { isClient, isCluster } from './redis-client.js';

const LOCALHOST = '127.0.0.1';

/** Where a connection leads and which option says so, for messages; without user and password. */
export function addressOf({ connection, url }: ConnectionSource): string {
  if (connection === undefined) return `Redis at ${hostOf(url)} (option "url" or the environment variable REDIS_URL)`;
  if (isCluster(connection)) {
    return `the Redis Cluster at ${startupNodesOf(connection).map(nodeAddress).join(', ')} (option "connection")`;
  }
  return `${serverOf(isClient(connection) ? connection.options : connection)} (option "connection")`;
}

function serverOf({ host, port = 6379, path, sentinels, name }: RedisOptions): string {
  if (!sentinels?.length) return `Redis at ${path ?? `${host ?? LOCALHOST}:${port}`}`;
  const list = sentinels.map((sentinel) => `${sentinel.host ?? LOCALHOST}:${sentinel.port ?? 26_379}`).join(', ');
  return `the primary "${name}" of the Sentinels at ${list}`;
}

function nodeAddress(node: ClusterNode): string {
  if (typeof node === 'number') return `${LOCALHOST}:${node}`;
  if (typeof node === 'string') return node.includes('://') ? hostOf(node) : node;
  return `${node.host ?? LOCALHOST}:${node.port ?? 6379}`;
}

function hostOf(url: string): string {
  try {
    const { hostname, port, protocol, pathname } = new URL(url);
    return hostname ? `${hostname}:${port || 6379}` : `${protocol}//${pathname}`;
  } catch {
    return 'an address that is not a URL';
  }
}
