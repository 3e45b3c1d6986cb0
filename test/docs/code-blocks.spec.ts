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
const pagesWithPrograms = [...new Set(blocks.filter(({ isProgram }) => isProgram).map(({ page }) => page))];

// In the package, so that its name and its dependencies resolve.
mkdirSync('.redflow', { recursive: true });
const folder = mkdtempSync(resolve('.redflow/docs-'));
let errors: string[] = [];

beforeAll(async () => {
  errors = await compile([...blocks, ...mistakes], folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

describe('mistakes on a page', () => {
  it('are told with page and line', () => {
    const told = errors.filter((error) => error.startsWith('mistakes.md')).sort();
    expect(told).toEqual([
      expect.stringMatching(/^mistakes\.md:11: TS2554: Expected 2-3 arguments/),
      expect.stringMatching(/^mistakes\.md:15: TS2305: .*no exported member 'createServer'/),
    ]);
  });
});
