/** An error as what a handler can tell of it: its class, and all own properties, of its causes too. */
export function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(shapeOf);
  const own = Reflect.ownKeys(value).map((key) => {
    const descriptor = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
    return [String(key), { ...descriptor, value: shapeOf(descriptor.value) }] as const;
  });
  return { class: Object.getPrototypeOf(value), own: new Map(own) };
}
