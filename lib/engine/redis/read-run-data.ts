import type { CommitBuffer } from './commit-buffer.js';
import type { RedisConnection } from './connection.js';
import type { Keyspace } from './keyspace.js';
import { readData } from './read-data.js';
import { readFields } from './read-fields.js';
import { parseRunData, type RunData } from './stored-step.js';

const FIELDS_PER_PAGE = 500;
const BYTES_PER_PAGE = 1_048_576;
/** What {@link RunData} has nothing of: outputs, errors of others, places of events. */
const UNREAD = /^(?:o|ce|fe|k:.*)$/s;

/**
 * Reads the payloads of a run that is not packed page by page, so that no single call holds Redis for long. A value that is longer
 * than a page comes by itself, and not through a script, which would copy it twice more.
 */
export async function readRunData(
  buffer: CommitBuffer,
  connection: RedisConnection,
  keys: Keyspace,
  runId: string,
): Promise<RunData> {
  const key = keys.data(runId);
  const names = (await connection.repeated((redis) => redis.hkeys(key))).filter((name) => !UNREAD.test(name));
  const flat: string[] = [];
  for (let at = 0; at < names.length; ) {
    for (const read of await buffer.add(readFields(runId, BYTES_PER_PAGE, names.slice(at, at + FIELDS_PER_PAGE)))) {
      const name = names[at++];
      const value = typeof read === 'number' ? await connection.repeated((redis) => redis.hget(key, name)) : read;
      if (value !== null) flat.push(name, value);
    }
  }
  return parseRunData(flat);
}

/** Reads the payloads of any run, in one call if they are few. */
export async function readAnyRunData(
  buffer: CommitBuffer,
  connection: RedisConnection,
  keys: Keyspace,
  runId: string,
): Promise<RunData> {
  return (await buffer.add(readData(runId))) ?? readRunData(buffer, connection, keys, runId);
}
