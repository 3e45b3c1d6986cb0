/**
 * Whether two JSON texts mean the same value, whatever the order of their keys; the empty text stands for `undefined`.
 *
 * @throws SyntaxError when one of two different texts is not JSON
 */
export function sameJson(a: string, b: string): boolean {
  if (a === b) return true;
  if (a === '' || b === '') return false;
  // A list of open pairs instead of recursion: JSON.parse accepts deeper values than the call stack.
  const pairs: Array<[unknown, unknown]> = [[JSON.parse(a), JSON.parse(b)]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right] = pair;
    if (left === right) continue;
    if (!isObject(left) || !isObject(right) || Array.isArray(left) !== Array.isArray(right)) return false;
    const keys = Object.keys(left);
    if (keys.length !== Object.keys(right).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(right, key)) return false;
      pairs.push([left[key], right[key]]);
    }
  }
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
