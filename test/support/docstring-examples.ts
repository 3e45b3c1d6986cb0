import { readdirSync, readFileSync } from 'node:fs';
import type { DocBlock } from './doc-blocks.js';

const DOCSTRING = /\/\*\*\n[\s\S]*?\*\//g;
/** In a fence, else up to the next tag: inside a fence a line that begins with an @ is a decorator. */
const EXAMPLE = /@example\s+(?:```ts\n([\s\S]*?)\n```|([\s\S]*?)(?=\n@|$))/;

/** The examples in the docstrings of the library, as what they are shown to be: code of an application that has imported all names. */
export function docstringExamples(preamble: string): DocBlock[] {
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.sort().flatMap((file) => examplesOf(`lib/${file}`, readFileSync(`lib/${file}`, 'utf8'), preamble));
}

/** Those of one file. */
export function examplesOf(page: string, text: string, preamble: string): DocBlock[] {
  const onOneLine = preamble.replaceAll('\n', ' ');
  return [...text.matchAll(DOCSTRING)].flatMap(({ 0: docstring, index }) => {
    const plain = docstring.replace(/^\/\*\*|\s*\*\/$/g, '').replace(/^ *\* ?/gm, '');
    const example = EXAMPLE.exec(plain);
    if (!example) return [];
    const code = example[1] ?? example[2];
    const line = linesIn(text.slice(0, index)) + linesIn(plain.slice(0, plain.indexOf(code, example.index))) - 1;
    return { page, line, file: `line-${line}.ts`, code: `${onOneLine} ${code}`, isProgram: false };
  });
}

/** One line that imports everything a module of the library exports. */
export function importAll(module: string, indexFile: string): string {
  const exported = readFileSync(indexFile, 'utf8').matchAll(/^export (type )?\{([^}]*)\}/gm);
  const names = [...exported].flatMap(([, type = '', list]) =>
    list.split(',').flatMap((name) => (name.trim() ? `${type}${name.trim()}` : [])),
  );
  return `import { ${names.join(', ')} } from '${module}';`;
}

function linesIn(text: string): number {
  return text.split('\n').length;
}
