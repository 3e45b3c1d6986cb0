// Writes docs/reference from the docstrings of what the package exports; with --check it only says whether it is up to date.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const reference = join(root, 'docs/reference');

async function build(out) {
  const typedoc = join(root, 'node_modules/typedoc/bin/typedoc');
  await promisify(execFile)(process.execPath, [typedoc, '--out', out], { cwd: root });
}

/** The files of a folder by their paths; none if there is no folder. */
async function read(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (file) => [file.slice(folder.length), await readFile(file, 'utf8')])));
}

async function findStale() {
  const fresh = await mkdtemp(join(tmpdir(), 'redflow-reference-'));
  try {
    await build(fresh);
    const [now, then] = await Promise.all([read(fresh), read(reference)]);
    return [...new Set([...now.keys(), ...then.keys()])].filter((file) => now.get(file) !== then.get(file));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

if (process.argv.includes('--check')) {
  const stale = await findStale();
  if (stale.length > 0) {
    process.stderr.write(`docs/reference is not what the docstrings say: ${stale.join(', ')}. Run \`npm run docs:reference\`.\n`);
    process.exitCode = 1;
  }
} else {
  await rm(reference, { recursive: true, force: true });
  await build(reference);
}
