// Removes the named folders of this repository: node scripts/clean.mjs dist coverage
import { rmSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const name of process.argv.slice(2)) {
  const folder = resolve(root, name);
  if (!join(folder, sep).startsWith(root) || join(folder, sep) === root)
    throw new Error(`"${name}" is not inside the repository.`);
  rmSync(folder, { recursive: true, force: true });
}
