/**
 * A process may hold several copies of this package: a library of a workspace brings its own, or two versions are installed. Each has classes
 * of its own, but what is in execution belongs to all of them: a `@Step()` of one is called in a run of the other, and taken for a plain
 * method it would charge again in every pass. So that kind of state lies under global symbols, and its shape is a contract between
 * versions.
 */
const shared = globalThis as { [key: symbol]: unknown };

/** What all copies of the package in this process have together. */
export function onePerProcess<T>(name: string, make: () => T): T {
  const key = Symbol.for(`nestjs-redflow:${name}`);
  shared[key] ??= make();
  return shared[key] as T;
}

const directories = onePerProcess('copies', () => new Set<string>());
directories.add(ownDirectory());

const warned = onePerProcess('copies-warned', () => new Set<string>());

/** Where the copies that are loaded lie, if there are several: told once of each set of them. */
export function newlyFoundCopies(): string[] | undefined {
  const found = [...directories].sort();
  const key = found.join('\n');
  if (found.length < 2 || warned.has(key)) return undefined;
  warned.add(key);
  return found;
}

/** Of a stack, since bundlers and transpilers to CommonJS have no `import.meta`. */
function ownDirectory(): string {
  const frames = new Error().stack?.split('\n') ?? [];
  const [, file] = /((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):\d+:\d+\)?$/.exec(frames[1] ?? '') ?? [];
  return file?.replace(/^file:\/\//, '').replace(/[\\/](?:dist|lib)[\\/]engine[\\/]core[\\/][^\\/]*$/, '') ?? 'an unknown place';
}
