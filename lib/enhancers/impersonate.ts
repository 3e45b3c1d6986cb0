import 'reflect-metadata';

/** Gives a method's wrapper what decorators and tools look at: the method's name, length, properties and metadata. */
export function impersonate<T extends object>(wrapper: T, method: object): T {
  Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors({ ...method }));
  for (const property of ['name', 'length']) {
    const original = Object.getOwnPropertyDescriptor(method, property);
    if (original) Object.defineProperty(wrapper, property, original);
  }
  for (const key of Reflect.getOwnMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), wrapper);
  }
  return wrapper;
}
