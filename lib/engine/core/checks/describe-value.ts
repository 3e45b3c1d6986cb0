const MAX_SHOWN = 64;

/** How a refused value is shown in an error message: short, on one line, and never by running code of the value. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > MAX_SHOWN ? `'${onOneLine(value)}' (${value.length} characters)` : `'${onOneLine(value)}'`;
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'object':
      return describeObject(value);
    default:
      return String(value);
  }
}

/** How an id that somebody asked for is shown: it may have come in a URL, of any length and with whatever in it. */
export function describeId(id: string): string {
  return `"${onOneLine(id)}"`;
}

/** `version "2"`, as messages name it. */
export function versionName(version: string | undefined): string {
  return version === undefined ? 'no version' : `version "${version}"`;
}

/** Control characters, which may forge lines of a log, and halves of characters are written as escapes. */
function onOneLine(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return shown.replace(/[\p{Cc}\p{Cs}]/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function describeObject(value: object | null): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Promise) return 'a promise';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : `the Date ${value.toISOString()}`;
  return 'an object';
}
