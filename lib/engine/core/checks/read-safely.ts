/** Reads a property that may be a throwing getter. */
export function readSafely(source: object, key: string): unknown {
  try {
    return (source as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}
