import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { TestRedisError } from './test-redis.error.js';

const SERVER_NAMES = ['redis-server', 'valkey-server'];

const WAYS_TO_GET_ONE = [
  'set REDIS_URL to a running server: REDIS_URL=redis://localhost:6379',
  'Debian and Ubuntu: apt-get install redis-server',
  'macOS: brew install redis',
  'Fedora: dnf install valkey',
  'or put a redis-server or valkey-server executable on PATH',
];

/** The path of the first `name` on PATH, or undefined. */
export function findOnPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The path of the first redis-server, else of the first valkey-server, on PATH. */
export function findRedisExecutable(): string | undefined {
  return SERVER_NAMES.map(findOnPath).find((path) => path !== undefined);
}

/** `problem`, followed by the ways to get a Redis. */
export function noRedisError(problem: string, cause?: unknown): TestRedisError {
  const ways = WAYS_TO_GET_ONE.map((way) => `\n  - ${way}`).join('');
  return new TestRedisError(`${problem} Ways to get one:${ways}`, cause === undefined ? undefined : { cause });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
