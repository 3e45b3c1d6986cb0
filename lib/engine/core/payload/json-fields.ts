const MAX_DEPTH = 8;

/** Room left for fields, in characters; shared by all that belongs to one error, so that a huge object graph costs little. */
export interface FieldRoom {
  characters: number;
}

/** Keeps errors that are found in fields: as plain JSON they would be `{}`. */
export interface ErrorFieldWriter {
  matches(value: object): boolean;
  /** Undefined leaves the field out. */
  write(error: object): Record<string, unknown> | undefined;
}

/** Sets an own property; an assignment to `__proto__` would set the prototype instead. */
export function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, configurable: true, enumerable: true, writable: true });
}

/**
 * Copies the own enumerable properties that JSON can hold; functions, BigInts, cycles, binary data, what throws and what
 * has no room left is left out.
 */
export function copyJsonFields(
  source: object,
  skip: ReadonlySet<string>,
  room: FieldRoom,
  errors: ErrorFieldWriter,
): Record<string, unknown> {
  return new FieldCopier(room, errors).copyObject(source, skip);
}

class FieldCopier {
  private readonly ancestors: object[] = [];

  constructor(
    private readonly room: FieldRoom,
    private readonly errors: ErrorFieldWriter,
  ) {}

  copyObject(source: object, skip?: ReadonlySet<string>): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    this.ancestors.push(source);
    for (const key of Object.keys(source)) {
      if (this.room.characters <= 0) break;
      if (skip?.has(key) || !this.take(key.length)) continue;
      const value = this.copyProperty(source, key);
      if (value !== undefined) define(copy, key, value);
    }
    this.ancestors.pop();
    return copy;
  }

  private copyArray(source: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    this.ancestors.push(source);
    for (let index = 0; index < source.length && this.room.characters > 0; index++) {
      copy.push(this.copyProperty(source, String(index)) ?? null);
    }
    this.ancestors.pop();
    return copy;
  }

  /** One property that cannot be read must not cost the others. */
  private copyProperty(holder: object, key: string): unknown {
    const depth = this.ancestors.length;
    try {
      return this.copyValue((holder as Record<string, unknown>)[key]);
    } catch {
      this.ancestors.length = depth;
      return undefined;
    }
  }

  private copyValue(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return this.take(value.length) ? value : undefined;
      case 'boolean':
      case 'number':
        return this.take(1) ? value : undefined;
      case 'object':
        return value === null ? null : this.copyNested(value);
      default:
        return undefined;
    }
  }

  private copyNested(value: object): unknown {
    if (this.ancestors.includes(value) || this.ancestors.length >= MAX_DEPTH || ArrayBuffer.isView(value)) return undefined;
    if (!this.take(2)) return undefined;
    if (this.errors.matches(value)) return this.errors.write(value);
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') {
      this.ancestors.push(value);
      const copy = this.copyValue(toJSON.call(value, ''));
      this.ancestors.pop();
      return copy;
    }
    return Array.isArray(value) ? this.copyArray(value) : this.copyObject(value);
  }

  /** Uses up room; false, and nothing used, when there is not enough. */
  private take(characters: number): boolean {
    if (characters >= this.room.characters) return false;
    this.room.characters -= characters + 1;
    return true;
  }
}
