import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const execute = promisify(execFile);
const WORKFLOW = `
import { Workflow, type WorkflowContext } from 'nestjs-redflow';
@Workflow()
export class Order {
  async run(ctx: WorkflowContext) {
    ctx.step.run('a', () => 1);
  }
}
`;

// Under the root, so that ESLint and the parser are found; of the package it has what the plugin is said to need, and nothing else.
mkdirSync('.redflow', { recursive: true });
const folder = mkdtempSync(resolve('.redflow/lint-'));

/** The configuration that the recipe begins with. */
function configOfRecipe(): string {
  const [, config] = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync('docs/recipes/linting.md', 'utf8')) ?? [];
  return config;
}

async function eslint(...args: string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: undefined };
  const run = execute(process.execPath, [resolve('node_modules/eslint/bin/eslint.js'), ...args], { cwd: folder, env });
  // It exits with 1 for findings, and with 2 where it does not work.
  const { stdout } = await run.catch((error) => (error.code === 1 ? error : Promise.reject(error)));
  return stdout;
}

async function findings(...args: string[]): Promise<string[]> {
  const files: Array<{ messages: Array<{ ruleId: string; line: number }> }> = JSON.parse(
    await eslint('--format', 'json', ...args),
  );
  return files.flatMap(({ messages }) => messages.map(({ ruleId, line }) => `${line}: ${ruleId}`));
}

beforeAll(() => {
  cpSync('dist/eslint', join(folder, 'node_modules/nestjs-redflow/dist/eslint'), { recursive: true });
  cpSync('package.json', join(folder, 'node_modules/nestjs-redflow/package.json'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  writeFileSync(join(folder, 'order.ts'), WORKFLOW);
  writeFileSync(join(folder, 'eslint.config.mjs'), configOfRecipe());
  const commonjs = configOfRecipe()
    .replace(/^import (\w+) from '(@.*)';$/m, "const $1 = require('$2');")
    .replace(/^import (\w+) from '(.*)';$/m, "const $1 = require('$2').default;")
    .replace('export default', 'module.exports =');
  writeFileSync(join(folder, 'eslint.config.cjs'), commonjs);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('nestjs-redflow/eslint in an application', () => {
  it('works with the configuration of the recipe, and without the rest of the package', async () => {
    expect(await findings('order.ts')).toEqual(['6: redflow/no-floating-step']);
  });

  it('works with CommonJS', async () => {
    expect(await findings('--config', 'eslint.config.cjs', 'order.ts')).toEqual(['6: redflow/no-floating-step']);
  });

  it('says to ESLint what it is, so that configurations can be printed and results cached', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    const { plugins, rules } = JSON.parse(await eslint('--print-config', 'order.ts'));
    expect(plugins).toContainEqual(expect.stringContaining(`nestjs-redflow@${version}`));
    expect(Object.keys(rules)).toHaveLength(4);
    await expect(findings('--cache', 'order.ts')).resolves.toHaveLength(1);
  });
});

describe('its types', () => {
  it('need ESLint alone', () => {
    const imports = readFileSync('dist/eslint/index.d.ts', 'utf8').matchAll(
      /^(?:import|export) .*from '(.*)'|import\("(.*)"\)/gm,
    );
    expect([...imports].map(([, from, inType]) => from ?? inType)).toEqual(['eslint']);
  });

  it('reach nobody who does not import the plugin', () => {
    const others = readdirSync('dist', { recursive: true, encoding: 'utf8' }).filter(
      (file) => /\.d\.ts$/.test(file) && !file.startsWith('eslint/'),
    );
    expect(others.length).toBeGreaterThan(200);
    expect(others.filter((file) => /['"/]eslint/.test(readFileSync(join('dist', file), 'utf8')))).toEqual([]);
  });
});
