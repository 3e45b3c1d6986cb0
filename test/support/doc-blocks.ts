import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A block of TypeScript on a page of the documentation. */
export interface DocBlock {
  readonly page: string;
  /** Line of the page on which its code begins. */
  readonly line: number;
  /** Name of its file: what its first line says (`// app.module.ts`), else made from its line. */
  readonly file: string;
  readonly code: string;
  /** Whether it is a program to execute: its fence says `ts run`. */
  readonly isProgram: boolean;
  /** What the page says it prints: the block `text` that follows it. */
  readonly output?: string;
}

const FENCE = /^```([^\n]*)\n([\s\S]*?)^```$/gm;
const PREAMBLE = /^<!-- preamble\n([\s\S]*?)^-->$/m;
/** Decisions are history, and the reference is generated. */
const NOT_CHECKED = /^docs\/(decisions|reference)\//;

/** The pages of the documentation, as paths from the root. */
export function docPages(): string[] {
  const files = readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((file) => `docs/${file}`);
  return ['README.md', ...files.filter((file) => file.endsWith('.md') && !NOT_CHECKED.test(file)).sort()];
}

/**
 * The TypeScript blocks of a page. One without imports gets the page's preamble, `<!-- preamble … -->`, before its first character:
 * so its lines are as far from each other as on the page.
 */
export function blocksOf(page: string, text: string): DocBlock[] {
  const preamble = PREAMBLE.exec(text)?.[1].replaceAll('\n', ' ') ?? '';
  const fences = [...text.matchAll(FENCE)];
  return fences.flatMap(({ 1: info, 2: code, index }, at) => {
    const [language, mark] = info.split(' ');
    if (language !== 'ts') return [];
    const line = text.slice(0, index).split('\n').length + 1;
    const file = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `line-${line}.ts`;
    const next = fences[at + 1];
    return {
      page,
      line,
      file,
      code: /^import /m.test(code) ? code : `${preamble}export {}; ${code}`,
      isProgram: mark === 'run',
      output: next?.[1] === 'text' ? next[2] : undefined,
    };
  });
}

/** The path of a block's file in `folder`, without its ending. */
export function pathOf(block: DocBlock, folder: string): string {
  return join(folder, block.page.replace(/\.md$/, ''), block.file.replace(/\.ts$/, ''));
}

/**
 * Compiles blocks into `folder`, which lies in the package, strictly and against what the package exports. Answers the compiler's errors
 * as `page:line: message`.
 */
export async function compile(blocks: readonly DocBlock[], folder: string): Promise<string[]> {
  // What `tsc --init` sets, and so what the tutorial's reader has.
  const strict = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  const options = { ...strict, noEmit: false, paths: {}, rootDir: '.', noUnusedLocals: false, noUnusedParameters: false };
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(process.cwd(), 'tsconfig.json'), compilerOptions: options, include: ['.'] }),
  );
  const byPath = new Map<string, DocBlock>();
  for (const block of blocks) {
    const path = `${pathOf(block, folder)}.ts`;
    if (byPath.has(path)) throw new Error(`${block.page} has two blocks named ${block.file}.`);
    byPath.set(path, block);
  }
  for (const [path, { code }] of byPath) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, code);
  }
  return errorsIn(await typescript(folder), (file) => byPath.get(join(folder, file)));
}

/** Runs the compiler, whose complaints are its output. */
function typescript(folder: string): Promise<string> {
  const args = [join(process.cwd(), 'node_modules/typescript/bin/tsc'), '-p', '.', '--pretty', 'false'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } }, (error, stdout, stderr) => {
      resolve(error && stdout === '' ? `error: ${stderr || error.message}` : stdout);
    });
  });
}

function errorsIn(output: string, find: (file: string) => DocBlock | undefined): string[] {
  const errors: string[] = [];
  for (const text of output.split('\n').filter((candidate) => candidate !== '')) {
    const [, file, line, message] = /^(.+?)\((\d+),\d+\): error (.+)$/.exec(text) ?? [];
    const block = file === undefined ? undefined : find(file);
    if (block !== undefined) errors.push(`${block.page}:${block.line + Number(line) - 1}: ${message}`);
    else if (text.startsWith(' ') && errors.length > 0) errors.push(`${errors.pop()}\n${text}`);
    else errors.push(text);
  }
  return errors;
}
