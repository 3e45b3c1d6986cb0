import type { RedisConnection } from '../connection/connection.js';
import type { Keyspace } from '../keyspace.js';
import type { WriteBuffer } from '../script/write-buffer.js';
import { parseRunData, type RunData } from '../steps/stored-step.js';
import { readData } from './read-data.js';
import { readFields } from './read-fields.js';

const FIELDS_PER_PAGE = 500;
const BYTES_PER_PAGE = 1_048_576;
/** What {@link RunData} has nothing of: outputs, errors of others, places of events. */
const UNREAD = /^(?:o|ce|fe|k:.*)$/s;

/**
 * Reads the payloads of a run that is not packed, flat and page by page, so that no single call holds Redis for long. A value that is longer
 * than a page comes by itself, and not through a script, which would copy it twice more.
 */
async function readPages(buffer: WriteBuffer, connection: RedisConnection, keys: Keyspace, runId: string): Promise<string[]> {
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
  return flat;
}

/** Reads the payloads of a run that is not packed, however many they are. */
export async function readRunData(...source: Parameters<typeof readPages>): Promise<RunData> {
  return parseRunData(await readPages(...source));
}

/** Reads the payloads of any run flat, as they are stored; in one call if they are few. */
export async function readFlatData(...source: Parameters<typeof readPages>): Promise<readonly string[]> {
  const [buffer, , , runId] = source;
  return (await buffer.add(readData(runId))) ?? readPages(...source);
}

/** Reads the payloads of any run. */
export async function readAnyRunData(...source: Parameters<typeof readPages>): Promise<RunData> {
  return parseRunData(await readFlatData(...source));
}
