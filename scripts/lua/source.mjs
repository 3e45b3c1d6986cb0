import { parse } from './parse.mjs';
import { LuaProblem } from './problem.mjs';
import { resolve } from './scopes.mjs';

/** A Lua file with its syntax tree, its names, and what the build puts in place of pieces of it. */
export class Source {
  #edits = [];

  constructor(file, text) {
    this.file = file;
    this.text = text;
    this.chunk = parse(file, text);
    Object.assign(this, resolve(this.chunk));
  }

  refuse(node, problem) {
    throw new LuaProblem(this.file, node.loc.start.line, problem);
  }

  replace(node, text) {
    const [start, end] = node.range;
    this.#edits.push({ start, end, text });
  }

  /** Its lines as they are now, without comments and empty ones: { text, file, line }. */
  lines() {
    const comments = this.chunk.comments.map(({ range: [start, end] }) => ({ start, end, text: '' }));
    const edits = [...this.#edits, ...comments].sort((a, b) => a.start - b.start);
    let text = '';
    let at = 0;
    for (const edit of edits) {
      text += this.text.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    text += this.text.slice(at);
    return text
      .split('\n')
      .map((line, index) => ({ text: line.trimEnd(), file: this.file, line: index + 1 }))
      .filter((line) => line.text.trim() !== '');
  }
}
