import type { CommitBuffer } from './commit-buffer.js';
import type { RedisConnection } from './connection.js';
import type { Keyspace } from './keyspace.js';
import { readData } from './read-data.js';
import { parseRunData, type RunData } from './stored-step.js';

const FIELDS_PER_PAGE = 500;

/** Reads the payloads of a run that is not packed page by page, so that no single call holds Redis for long. */
export async function readRunData(connection: RedisConnection, keys: Keyspace, runId: string): Promise<RunData> {
  const flat: string[] = [];
  let cursor = '0';
  do {
    const [next, page] = await connection.repeated((redis) => redis.hscan(keys.data(runId), cursor, 'COUNT', FIELDS_PER_PAGE));
    flat.push(...page);
    cursor = next;
  } while (cursor !== '0');
  return parseRunData(flat);
}

/** Reads the payloads of any run, in one call if they are few. */
export async function readAnyRunData(
  buffer: CommitBuffer,
  connection: RedisConnection,
  keys: Keyspace,
  runId: string,
): Promise<RunData> {
  return (await buffer.add(readData(runId))) ?? readRunData(connection, keys, runId);
}
