const LINE_END = '\r\n';

/**
 * Where the first request in `bytes` ends, or undefined if it is not complete. Requests are arrays of bulk strings, as every
 * client library sends them: `*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n`.
 */
export function endOfRequest(bytes: Buffer): number | undefined {
  const array = header(bytes, 0, '*');
  if (array === undefined) return undefined;
  let { end } = array;
  for (let index = 0; index < array.size; index++) {
    const bulk = header(bytes, end, '$');
    if (bulk === undefined) return undefined;
    end = bulk.end + bulk.size + LINE_END.length;
  }
  return end <= bytes.length ? end : undefined;
}

function header(bytes: Buffer, start: number, type: '*' | '$'): { size: number; end: number } | undefined {
  const lineEnd = bytes.indexOf(LINE_END, start);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('latin1', start, lineEnd);
  if (line[0] !== type) throw new Error(`Not a RESP request: expected "${type}", got "${line.slice(0, 40)}".`);
  return { size: Number(line.slice(1)), end: lineEnd + LINE_END.length };
}
