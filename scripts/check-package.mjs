// Checks what `npm publish` would ship: the files, and that every module system and type checker finds its way in.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PLAIN_FILES = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];

const run = (command, args) => execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const tool = (name) => join(root, 'node_modules/.bin', name);

/** The sources under lib/ that the build turns into a module and its types each. */
function expectedFiles() {
  const modules = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const built = modules.flatMap((file) => ['.js', '.d.ts'].map((end) => `dist/${file.replace(/\.ts$/, end)}`));
  return [...PLAIN_FILES, ...built].sort();
}

function checkFiles() {
  const [{ files }] = JSON.parse(run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']));
  const packed = files.map(({ path }) => path).sort();
  const expected = expectedFiles();
  const missing = expected.filter((path) => !packed.includes(path)).map((path) => `missing from the package: ${path}`);
  const extra = packed.filter((path) => !expected.includes(path)).map((path) => `should not be in the package: ${path}`);
  if (missing.length + extra.length > 0) throw new Error([...missing, ...extra].join('\n'));
  process.stdout.write(`The package holds the ${packed.length} files it should.\n`);
}

function checkEntryPoints() {
  const folder = mkdtempSync(join(tmpdir(), 'redflow-package-'));
  try {
    const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]));
    const tarball = join(folder, filename);
    process.stdout.write(run(tool('publint'), ['run', tarball, '--strict']));
    process.stdout.write(run(tool('attw'), [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji', '--no-color']));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  checkFiles();
  checkEntryPoints();
} catch (error) {
  process.stderr.write(`${error.stdout ?? ''}${error.message}\n`);
  process.exitCode = 1;
}
