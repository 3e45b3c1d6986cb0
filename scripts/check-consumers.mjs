// Installs the packed package into two new Nest applications, an ES module on Nest 12 and CommonJS on Nest 11, compiles and
// runs them: each executes one workflow on a private Redis, closes while another is executed, and has to end by itself. The latter
// is tested with Jest, too.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
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
const PREFIX = `consumers:${randomUUID()}`;
const EXPECTED = 'RECEIPT: CHARGED 1250 TWICE 1\nhanded back in time\nPayments.charge succeeded, receipt succeeded\n';

const CONSUMERS = [
  { name: 'esm-nest-12', nest: devDependencies['@nestjs/core'], type: 'module', module: 'nodenext' },
  { name: 'commonjs-nest-11', nest: '^11.1.0', type: 'commonjs', module: 'node20', jest: true },
];

async function run(what, command, args, options = {}) {
  try {
    return (await execute(command, args, { maxBuffer: 64 * 1024 * 1024, ...options })).stdout;
  } catch (error) {
    const reason = error.killed ? `did not end by itself within ${options.timeout} ms` : `failed (${error.code ?? error.signal})`;
    throw new Error(`${what} ${reason}:\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  }
}

/** What `nest new` of Nest 11 writes, with the line that the recipe for tests asks for. */
async function jestManifest({ nest }) {
  const recipe = await readFile(join(root, 'docs/recipes/testing.md'), 'utf8');
  const [, line] = /^```json\n(.*)\n```$/m.exec(recipe);
  return {
    jest: {
      testRegex: '.*\\.spec\\.ts$',
      transform: { '^.+\\.(t|j)s$': 'ts-jest' },
      testEnvironment: 'node',
      ...JSON.parse(`{${line}}`),
    },
    devDependencies: {
      '@nestjs/testing': nest,

      jest: '^30.0.0',
      'ts-jest': '^29.2.5',
      typescript: '^5.7.3',
    },
  };
}

function manifest({ name, nest, type }, tarball, { devDependencies: more, ...rest } = {}) {
  const { rxjs, 'reflect-metadata': reflectMetadata, '@types/node': nodeTypes } = devDependencies;
  return {
    name,
    private: true,
    type,
    dependencies: {
      '@nestjs/common': nest,
      '@nestjs/core': nest,
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
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await removeKeys(redis.url);
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
