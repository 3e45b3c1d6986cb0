import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import * as parser from '@typescript-eslint/parser';
import { Linter } from 'eslint';
import redflow from 'nestjs-redflow/eslint';
import { blocksOf, docPages } from '../support/doc-blocks.js';
import { docstringExamples, importAll } from '../support/docstring-examples.js';

interface Code {
  readonly page: string;
  readonly line: number;
  readonly code: string;
}

const linter = new Linter();
/** Code that is meant to be wrong says so where it is: `// redflow/no-floating-step` at the end of the line. */
const MARK = /\/\/ (redflow\/[\w-]+)$/;

function findingsIn({ page, line, code }: Code): string[] {
  const config = { files: ['**'], languageOptions: { parser } };
  const messages = linter.verify(code, [config, redflow.configs.recommended], { filename: 'code.ts' });
  return messages.map((found) => `${page}:${line + found.line - 1}: ${found.ruleId ?? found.message}`);
}

function marksIn({ page, line, code }: Code): string[] {
  return code.split('\n').flatMap((text, at) => {
    const mark = MARK.exec(text)?.[1];
    return mark === undefined ? [] : [`${page}:${line + at}: ${mark}`];
  });
}

function check(codes: readonly Code[]): void {
  expect(codes.flatMap(findingsIn)).toEqual(codes.flatMap(marksIn));
}

function filesIn(folder: string): Code[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.map((file) => ({ page: `${folder}/${file}`, line: 1, code: readFileSync(`${folder}/${file}`, 'utf8') }));
}

const blocks = docPages().flatMap((page) => blocksOf(page, readFileSync(page, 'utf8')));
const names = importAll('nestjs-redflow', 'lib/index.ts');
const preamble = `${names} declare const ctx: WorkflowContext;`;

describe('the rules', () => {
  it('find nothing in the samples', () => {
    const files = filesIn('sample').filter(({ page }) => !/\/(dist|node_modules)\//.test(page));
    expect(files.length).toBeGreaterThan(30);
    check(files);
  });

  it('find on the pages what is marked there, and nothing else', () => {
    check(blocks);
    expect(new Set(blocks.flatMap(marksIn).map((mark) => mark.split(' ')[1])).size).toBe(Object.keys(redflow.rules).length);
  });

  it('find nothing in the examples of docstrings', () => {
    const examples = docstringExamples(preamble);
    expect(examples.length).toBeGreaterThan(15);
    check(examples);
  });

  it('find nothing in the applications of consumers', () => {
    check(filesIn('scripts/consumers'));
  });

  it('find what is wrong on a page, with page and line', () => {
    const page = [
      '<!-- preamble',
      preamble,
      '-->',
      '```ts',
      'await ctx.step.waitFor("a", "1d");',
      'ctx.step.waitFor("b", "1d");',
      '```',
      '',
    ];
    expect(blocksOf('page.md', page.join('\n')).flatMap(findingsIn)).toEqual(['page.md:6: redflow/no-floating-step']);
  });
});
