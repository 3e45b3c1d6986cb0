// Installs the packed package into two new Nest applications, an ES module on Nest 12 with ioredis 6 and CommonJS on Nest 11 with ioredis 5.6.0,
// compiles and runs them: each executes one workflow on a private Redis that a client of its own names, closes while another is executed,
// and has to end by itself. The latter is tested with Jest, too. Then does what README and recipe say in the applications that
// `nest new` generates, where npm brings ioredis along, and lets these build and test themselves.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { findOrStartRedis } from '../dist/testing/index.js';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

/** A workflow takes milliseconds; an application still running after this has something open. */
const RUN_LIMIT_MS = 60_000;
/** Jest first compiles the package, file by file. */
const TEST_LIMIT_MS = 300_000;
const PREFIX = `consumers:${randomUUID()}`;
const EXPECTED =
  'RECEIPT: CHARGED 1250 TWICE 1\nhanded back in time\nPayments.charge succeeded, receipt succeeded\nDB index is out of range\nits own client says PONG\n';

const CONSUMERS = [
  {
    name: 'esm-nest-12-ioredis-6',
    nest: devDependencies['@nestjs/core'],
    ioredis: devDependencies.ioredis,
    type: 'module',
    module: 'nodenext',
  },
  { name: 'commonjs-nest-11-ioredis-5', nest: '^11.1.0', ioredis: '5.6.0', type: 'commonjs', module: 'node20', jest: true },
];

/** The versions of Nest's generators whose applications differ: CommonJS, CommonJS with `nodenext`, ES modules with Vitest. */
const GENERATED = [
  { name: 'nest-new-11.0', generator: '11.0.0', typescript: '5.7.3' },
  { name: 'nest-new-11', generator: '^11.0.0' },
  { name: 'nest-new-12', generator: '^12.0.0' },
];

/** What of a generated application is needed to build and test it. */
const NEEDED = /^(@nestjs\/(cli|testing)|@types\/|jest$|ts-jest$|supertest$|typescript$|vitest$|vite-)/;

async function run(what, command, args, options = {}) {
  try {
    return (await execute(command, args, { maxBuffer: 64 * 1024 * 1024, ...options })).stdout;
  } catch (error) {
    const reason = error.killed ? `did not end by itself within ${options.timeout} ms` : `failed (${error.code ?? error.signal})`;
    throw new Error(`${what} ${reason}:\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  }
}

/** The option that the recipe for tests asks for. */
async function recipeForJest() {
  const recipe = await readFile(join(root, 'docs/recipes/testing.md'), 'utf8');
  const [, line] = /^```json\n(.*)\n```$/m.exec(recipe);
  return JSON.parse(`{${line}}`);
}

/** What `nest new` of Nest 11 writes, with the line that the recipe for tests asks for. */
async function jestManifest({ nest }) {
  return {
    jest: {
      testRegex: '.*\\.spec\\.ts$',
      transform: { '^.+\\.(t|j)s$': 'ts-jest' },
      testEnvironment: 'node',
      ...(await recipeForJest()),
    },
    devDependencies: {
      '@nestjs/testing': nest,

      jest: '^30.0.0',
      'ts-jest': '^29.2.5',
      typescript: '^5.7.3',
    },
  };
}

function manifest({ name, nest, ioredis, type }, tarball, { devDependencies: more, ...rest } = {}) {
  const { rxjs, 'reflect-metadata': reflectMetadata, '@types/node': nodeTypes } = devDependencies;
  return {
    name,
    private: true,
    type,
    dependencies: {
      '@nestjs/common': nest,
      '@nestjs/core': nest,
      ioredis,
      'nestjs-redflow': `file:${tarball}`,
      'reflect-metadata': reflectMetadata,
      rxjs,
    },
    devDependencies: { '@types/node': nodeTypes, ...more },
    ...rest,
  };
}

function compilerOptions({ module }) {
  return {
    target: 'es2022',
    module,
    strict: true,
    isolatedModules: true,
    esModuleInterop: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    outDir: 'out',
    rootDir: '.',
  };
}

/** Of another copy the types would be others, and no client of the application's would compile as an option of ours. */
async function checkCopies({ name }, cwd, range) {
  const { dependencies } = JSON.parse(await run(`${name}: npm ls`, 'npm', ['ls', 'ioredis', '--all', '--json'], { cwd }));
  const found = new Set();
  const visit = (tree = {}) => {
    for (const [dependency, { version, dependencies: more }] of Object.entries(tree)) {
      if (dependency === 'ioredis') found.add(version);
      visit(more);
    }
  };
  visit(dependencies);
  const isExpected = found.size === 1 && [...found].every((version) => range.test(version));
  if (!isExpected)
    throw new Error(`${name} has ioredis ${[...found].join(' and ') || 'not at all'} instead of one copy of ${range}`);
}

async function checkConsumer(consumer, { folder, tarball, redisUrl }) {
  const cwd = join(folder, consumer.name);
  await mkdir(cwd);
  await writeFile(
    join(cwd, 'package.json'),
    JSON.stringify(manifest(consumer, tarball, consumer.jest && (await jestManifest(consumer)))),
  );
  await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions: compilerOptions(consumer), files: ['app.ts'] }));
  await copyFile(join(root, 'scripts/consumers/app.ts'), join(cwd, 'app.ts'));
  await run(`${consumer.name}: npm install`, 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd });
  await checkCopies(consumer, cwd, new RegExp(`^${/\d+/.exec(consumer.ioredis)[0]}\\.`));
  await run(`${consumer.name}: tsc`, process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd });
  const env = { ...process.env, CONSUMER_REDIS_URL: redisUrl, CONSUMER_PREFIX: `${PREFIX}:${consumer.name}` };
  const app = `${consumer.name}: the application`;
  const output = await run(app, process.execPath, ['out/app.js'], { cwd, env, timeout: RUN_LIMIT_MS, killSignal: 'SIGKILL' });
  if (output !== EXPECTED) throw new Error(`${app} printed:\n${output}instead of:\n${EXPECTED}`);
  if (consumer.jest) {
    await copyFile(join(root, 'scripts/consumers/app.spec.ts'), join(cwd, 'app.spec.ts'));
    const jest = ['node_modules/jest/bin/jest.js', '--ci'];
    await run(`${consumer.name}: jest`, process.execPath, jest, { cwd, env, timeout: RUN_LIMIT_MS, killSignal: 'SIGKILL' });
  }
  process.stdout.write(`${consumer.name}: installed, compiled, ran its workflow and ended.\n`);
}

async function edit(file, change) {
  await writeFile(file, change(await readFile(file, 'utf8')));
}

const editJson = (file, change) => edit(file, (text) => JSON.stringify(change(JSON.parse(text))));

/** Adds the package and the files of scripts/consumers/nest-new to a generated application, and follows the recipe for its tests. */
async function furnish(cwd, { typescript }, tarball) {
  const isJest = !existsSync(join(cwd, 'vitest.config.ts'));
  const jest = await recipeForJest();
  await editJson(join(cwd, 'package.json'), (manifest) => ({
    ...manifest,
    ...(isJest && { jest: { ...manifest.jest, ...jest } }),
    dependencies: { ...manifest.dependencies, 'nestjs-redflow': `file:${tarball}` },
    devDependencies: {
      ...Object.fromEntries(Object.entries(manifest.devDependencies).filter(([name]) => NEEDED.test(name))),
      ...(typescript && { typescript }),
    },
  }));
  if (isJest) await editJson(join(cwd, 'test/jest-e2e.json'), (config) => ({ ...config, ...jest }));
  for (const [file, place] of Object.entries({ 'orders.ts': 'src', 'orders.spec.ts': 'src', 'orders.e2e-spec.ts': 'test' })) {
    await copyFile(join(root, 'scripts/consumers/nest-new', file), join(cwd, place, file));
    // Jest finds no `.js` beside a `.ts`, and applications of Nest 11 do not write it.
    if (isJest) await edit(join(cwd, place, file), (text) => text.replace(/(from '\..*)\.js'/g, "$1'"));
  }
  await edit(
    join(cwd, 'src/app.module.ts'),
    (text) =>
      `import { OrdersModule } from './orders${isJest ? '' : '.js'}';\n${text.replace('imports: []', 'imports: [OrdersModule]')}`,
  );
  await edit(join(cwd, 'test/app.e2e-spec.ts'), (text) =>
    text.includes('app.close()') ? text : text.replace("  it('/ (GET)'", "  afterEach(() => app.close());\n\n  it('/ (GET)'"),
  );
}

async function checkGenerated(generated, { folder, tarball, redisUrl }) {
  const { name, generator } = generated;
  const tools = join(folder, `${name}-tools`);
  await mkdir(tools);
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const packages = [`@nestjs/cli@${generator}`, `@nestjs/schematics@${generator}`];
  await run(`${name}: its generator`, 'npm', ['install', '--prefix', tools, ...quiet, ...packages]);
  const nest = join(tools, 'node_modules/@nestjs/cli/bin/nest.js');
  const newApp = ['new', name, '--skip-install', '--skip-git', '--package-manager', 'npm'];
  await run(`${name}: nest new`, process.execPath, [nest, ...newApp], { cwd: folder });
  const cwd = join(folder, name);
  await furnish(cwd, generated, tarball);
  await run(`${name}: npm install`, 'npm', ['install', ...quiet], { cwd });
  await checkCopies(generated, cwd, /^6\./);
  const env = { ...process.env, REDIS_URL: redisUrl, REDFLOW_PREFIX: `${PREFIX}:${name}`, CI: '1' };
  for (const script of ['build', 'test', 'test:e2e']) {
    const limit = { timeout: TEST_LIMIT_MS, killSignal: 'SIGKILL' };
    await run(`${name}: npm run ${script}`, 'npm', ['run', '--silent', script], { cwd, env, ...limit });
  }
  process.stdout.write(`${name}: generated, built and tested by itself.\n`);
}

/** The Redis may be that of REDIS_URL, which stays. */
async function removeKeys(url) {
  const client = new Redis(url);
  for await (const keys of client.scanStream({ match: `*${PREFIX}*`, count: 1_000 })) {
    if (keys.length > 0) await client.unlink(keys);
  }
  await client.quit();
}

const folder = await mkdtemp(join(tmpdir(), 'redflow-consumers-'));
const redis = await findOrStartRedis({ onMessage: (text) => process.stderr.write(`${text}\n`) });
try {
  const packed = await run('npm pack', 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
  });
  const tarball = join(folder, JSON.parse(packed)[0].filename);
  for (const consumer of CONSUMERS) await checkConsumer(consumer, { folder, tarball, redisUrl: redis.url });
  for (const generated of GENERATED) await checkGenerated(generated, { folder, tarball, redisUrl: redis.url });
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await removeKeys(redis.url);
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
