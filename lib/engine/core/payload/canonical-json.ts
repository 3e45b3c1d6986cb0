import { types } from 'node:util';

const MAX_DEPTH = 100;

/**
 * The JSON of a value with sorted keys, so that equal values have equal texts; undefined for what has none.
 *
 * Functions, symbols, BigInts, errors, binary data, Maps, Sets and cycles have none, although `JSON.stringify` makes something of some: it would
 * say little, or be huge.
 *
 * @param maxLength longer texts count as none: what is not meant as data may refer to half the application
 * @param opaque objects that stand for nothing, and are written as null
 */
export function canonicalJson(value: unknown, maxLength: number, opaque: ReadonlySet<unknown>): string | undefined {
  const holders: object[] = [];
  let left = maxLength;

  const spend = (text: string): string => {
    left -= text.length;
    if (left < 0) throw NOT_JSON;
    return text;
  };

  const write = (item: unknown): string => {
    switch (typeof item) {
      case 'string':
      case 'number':
      case 'boolean':
        return spend(JSON.stringify(item));
      case 'undefined':
        return spend('null');
      case 'object':
        return item === null || opaque.has(item) ? spend('null') : writeObject(item);
      default:
        throw NOT_JSON;
    }
  };

  const writeObject = (object: object): string => {
    if (isNoData(object) || holders.length === MAX_DEPTH || holders.includes(object)) throw NOT_JSON;
    holders.push(object);
    const { toJSON } = object as { toJSON?: unknown };
    const data: unknown = typeof toJSON === 'function' ? toJSON.call(object, '') : object;
    const text = data === object ? writeFields(object) : write(data);
    holders.pop();
    return text;
  };

  const writeFields = (object: object): string => {
    // Not map(), which passes over holes.
    if (Array.isArray(object)) return `${spend('[')}${Array.from(object, write).join()}]`;
    const fields = Object.entries(object).filter(([, field]) => field !== undefined);
    const sorted = fields.sort(([a], [b]) => (a < b ? -1 : 1));
    return `${spend('{')}${sorted.map(([key, field]) => `${spend(JSON.stringify(key))}:${write(field)}`).join()}}`;
  };

  try {
    return write(value);
  } catch {
    return undefined; // what throws while it is read, as a getter may, has no JSON either
  }
}

const NOT_JSON = new Error('This has no JSON.');

/** By what it is, not by `instanceof`: values may come from another realm. */
function isNoData(object: object): boolean {
  return types.isNativeError(object) || object instanceof Error || types.isMap(object) || types.isSet(object) || isBinary(object);
}

function isBinary(object: object): boolean {
  return ArrayBuffer.isView(object) || types.isAnyArrayBuffer(object);
}
