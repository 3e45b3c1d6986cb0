import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blocksOf, compile, type DocBlock, docPages, pathOf } from '../support/doc-blocks.js';
import { testPrefix, testRedisUrl } from '../support/namespace.js';
import { spawnWorker } from '../support/spawn-worker.js';

const fence = '```';
const PAGE_WITH_MISTAKES = `# A page

<!-- preamble
import { createClient } from 'nestjs-redflow/engine';
declare const order: { id: string };
-->

${fence}ts
const client = createClient();
await client.run('order', order);
await client.run(order);
${fence}

${fence}ts
import { createServer } from 'nestjs-redflow';
${fence}

${fence}sh
npm test
${fence}
`;

const blocks = docPages().flatMap((page) => blocksOf(page, readFileSync(page, 'utf8')));
const mistakes = blocksOf('mistakes.md', PAGE_WITH_MISTAKES);
const isTest = ({ code }: DocBlock) => code.includes("from '@jest/globals'");
/** Modules that the programs of their page import. */
const isPart = ({ page, file }: DocBlock) => pagesWithPrograms.includes(page) && !file.startsWith('line-');
const pagesWithPrograms = [...new Set(blocks.filter(({ isProgram }) => isProgram).map(({ page }) => page))];

// In the package, so that its name and its dependencies resolve.
mkdirSync('.redflow', { recursive: true });
const folder = mkdtempSync(resolve('.redflow/docs-'));
let errors: string[] = [];

beforeAll(async () => {
  errors = await compile([...blocks, ...mistakes], folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Jest as an application with ES modules has it, in a process of its own. */
function spawnJest(files: string[]) {
  const config = { rootDir: folder, testMatch: files, transform: {} };
  const args = ['--config', JSON.stringify(config), '--runInBand'];
  const env = {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    NO_COLOR: '1',
    FORCE_COLOR: '0',
  };
  return spawnWorker(pathToFileURL(resolve('node_modules/jest/bin/jest.js')).href, { args, env });
}

async function execute(program: DocBlock, prefix: string) {
  const spawned = spawnWorker(pathToFileURL(`${pathOf(program, folder)}.js`).href, {
    env: { REDIS_URL: testRedisUrl(), REDFLOW_PREFIX: prefix, NO_COLOR: '1' },
  });
  const { code } = await spawned.exited;
  const printed = spawned.lines.filter((line) => !line.startsWith('[Nest]'));
  return { code, printed: printed.map((line) => `${line}\n`).join(''), ...(code !== 0 && { stderr: spawned.stderr }) };
}

describe('the code on the pages', () => {
  it('compiles', () => {
    expect(errors.filter((error) => !error.startsWith('mistakes.md'))).toEqual([]);
  });

  it('is whole: nothing is left out', () => {
    expect(blocks.filter(({ code }) => code.includes('…')).map(({ page, line }) => `${page}:${line}`)).toEqual([]);
  });

  it('has programs on the pages for beginners', () => {
    expect(pagesWithPrograms).toEqual(expect.arrayContaining(['README.md', 'docs/tutorial.md']));
  });

  it.each(pagesWithPrograms)('runs, one program after the other, and prints what the page says: %s', async (page) => {
    const prefix = testPrefix();
    for (const program of blocks.filter((block) => block.page === page && block.isProgram)) {
      expect(await execute(program, prefix)).toEqual({ code: 0, printed: program.output });
    }
  });
});

/** What is no program is run by one of ours: `test/fixtures/run-blocks.mjs`, with what `scenes.mjs` has for the page. */
describe('the other code on the pages runs', () => {
  const others = blocks.filter((block) => !block.isProgram && !isTest(block) && !isPart(block));

  it.each([...new Set(others.map(({ page }) => page))])('%s', async (page) => {
    const list = others
      .filter((block) => block.page === page)
      .map((block) => ({ path: `${pathOf(block, folder)}.js`, isOfRun: /^\S.*\bctx\./m.test(block.code) }));
    const spawned = spawnWorker('run-blocks.mjs', { args: [page, JSON.stringify(list)], env: { NO_COLOR: '1' } });
    const { code } = await spawned.exited;
    const ran = spawned.lines.filter((line) => line.startsWith('ran '));
    expect({ code, ran, ...(code !== 0 && { stderr: spawned.stderr }) }).toEqual({
      code: 0,
      ran: list.map(({ path }) => `ran ${path}`),
    });
  });

  it('as tests, where it is tests', async () => {
    const tests = blocks.filter(isTest);
    const spawned = spawnJest(tests.map((block) => `${pathOf(block, folder)}.js`));
    const { code } = await spawned.exited;
    expect({ code, ...(code !== 0 && { stderr: spawned.stderr }) }).toEqual({ code: 0 });
    expect(tests).toHaveLength(3);
    expect(spawned.stderr).toMatch(/^Tests: +3 passed, 3 total$/m);
  });
});

describe('mistakes on a page', () => {
  it('are told with page and line', () => {
    const told = errors.filter((error) => error.startsWith('mistakes.md')).sort();
    expect(told).toEqual([
      expect.stringMatching(/^mistakes\.md:11: TS2554: Expected 2-3 arguments/),
      expect.stringMatching(/^mistakes\.md:15: TS2305: .*no exported member 'createServer'/),
    ]);
  });
});
