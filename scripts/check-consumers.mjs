// Installs the packed package into two new Nest applications, an ES module on Nest 12 and CommonJS on Nest 11, compiles and
// runs them: each executes one workflow on a private Redis, closes while another is executed, and has to end by itself.
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
  { name: 'commonjs-nest-11', nest: '^11.1.0', type: 'commonjs', module: 'node20' },
];

async function run(what, command, args, options = {}) {
  try {
    return (await execute(command, args, { maxBuffer: 64 * 1024 * 1024, ...options })).stdout;
  } catch (error) {
    const reason = error.killed ? `did not end by itself within ${options.timeout} ms` : `failed (${error.code ?? error.signal})`;
    throw new Error(`${what} ${reason}:\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  }
}

function manifest({ name, nest, type }, tarball) {
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
    devDependencies: { '@types/node': nodeTypes },
  };
}

function compilerOptions({ module }) {
  return {
    target: 'es2022',
    module,
    strict: true,
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
  await writeFile(join(cwd, 'package.json'), JSON.stringify(manifest(consumer, tarball)));
  await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions: compilerOptions(consumer), files: ['app.ts'] }));
  await copyFile(join(root, 'scripts/consumers/app.ts'), join(cwd, 'app.ts'));
  await run(`${consumer.name}: npm install`, 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd });
  await run(`${consumer.name}: tsc`, process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd });
  const env = { ...process.env, CONSUMER_REDIS_URL: redisUrl, CONSUMER_PREFIX: `${PREFIX}:${consumer.name}` };
  const app = `${consumer.name}: the application`;
  const output = await run(app, process.execPath, ['out/app.js'], { cwd, env, timeout: RUN_LIMIT_MS, killSignal: 'SIGKILL' });
  if (output !== EXPECTED) throw new Error(`${app} printed:\n${output}instead of:\n${EXPECTED}`);
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
