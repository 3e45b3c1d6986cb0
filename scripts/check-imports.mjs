// Checks that imports under lib/ point one way, as docs/architecture.md draws it, and in no circle: neither files, nor the rooms of an area,
// which are its folders.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What clients and workers stand on. */
const BELOW = ['engine/creation', 'engine/options', 'engine/redis', 'engine/core'];
/** Areas by path, most specific first, and what each may import: other areas, and packages. */
const AREAS = [
  { name: 'engine/core', areas: [], packages: ['ms', 'ulid', 'fastest-levenshtein', 'cron-parser'] },
  { name: 'engine/redis', areas: ['engine/core'], packages: ['ioredis'] },
  { name: 'engine/creation', areas: ['engine/redis', 'engine/core'], packages: [] },
  { name: 'engine/options', areas: ['engine/redis', 'engine/core'], packages: [] },
  { name: 'engine/client', areas: BELOW, packages: [] },
  { name: 'engine/worker', areas: BELOW, packages: [] },
  { name: 'engine/memory', areas: ['engine/worker', ...BELOW], packages: [] },
  { name: 'engine/test-bed', areas: ['engine/memory', 'engine/worker', ...BELOW], packages: [] },
  { name: 'engine', areas: ['engine/client', 'engine/worker', ...BELOW], packages: [] },
  { name: 'testing', areas: ['engine', ''], packages: ['ioredis', '@nestjs/common', '@nestjs/core', '@nestjs/testing'] },
  // ESLint loads it, without the rest: types of packages alone.
  { name: 'eslint', areas: [], packages: [], types: ['eslint', '@typescript-eslint/utils'] },
  {
    name: '',
    areas: ['engine'],
    packages: [
      '@nestjs/common',
      '@nestjs/core',
      'rxjs',
      'reflect-metadata',
      'class-transformer',
      'class-validator',
      '@nestjs/microservices',
      '@nestjs/websockets',
    ],
  },
];
/** The engine's doors for the layer above it: what everybody may use, and what is for that layer alone. What is for tests has doors of its own. */
const ENGINE_DOOR = 'engine/index.ts';
const FRAMEWORK_DOOR = 'engine/framework.ts';
const TEST_DOORS = ['engine/memory/index.ts', 'engine/test-bed/index.ts'];
/** Packages of which an area that may not import them may still import types. */
const TYPES_ANYWHERE = ['ioredis'];

/**
 * Imports from room to room that close a circle and stay; with `types`, imports of types alone. A file that both need can lie below them, in a
 * room of its own or beside the rooms: prefer that.
 */
const ROOM_EXCEPTIONS = [
  {
    from: 'engine/core/errors',
    to: 'engine/core/checks',
    why: 'messages of errors show values as checks do, and RetryAfterError takes a duration, which may be refused',
  },
  {
    from: 'engine/redis/steps',
    to: 'engine/redis/events',
    why: 'the record of a step that waited for an event holds it as events are stored, and an operation that emits one records the step',
  },
  {
    from: 'engine/worker/replay',
    to: 'engine/worker/steps',
    types: true,
    why: 'steps ask the guard, which sees of them what it is handed',
  },
  {
    from: 'engine/worker/steps',
    to: 'engine/worker/pass',
    why: 'interceptors of a step are told of the run what those of the pass are: interceptedRun()',
  },
];

const areaOf = (file) => AREAS.find(({ name }) => name === '' || file.startsWith(`${name}/`));

function importsOf(file) {
  const source = ts.createSourceFile(file, readFileSync(join(root, 'lib', file), 'utf8'), ts.ScriptTarget.ESNext, true);
  const found = [];
  const add = (literal, isType) => {
    const { line } = source.getLineAndCharacterOfPosition(literal.getStart());
    found.push({ specifier: literal.text, isType, at: `lib/${file}:${line + 1}` });
  };
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node.importClause));
    if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node.moduleSpecifier, isTypeExport(node));
    if (ts.isImportTypeNode(node)) add(node.argument.literal, true);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      if (ts.isStringLiteralLike(node.arguments[0])) add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTypeImport(clause) {
  if (clause === undefined) return false;
  const { namedBindings: names, name } = clause;
  if (clause.isTypeOnly) return true;
  return name === undefined && names !== undefined && ts.isNamedImports(names) && names.elements.every((one) => one.isTypeOnly);
}

function isTypeExport({ isTypeOnly, exportClause }) {
  return isTypeOnly || (exportClause && ts.isNamedExports(exportClause) && exportClause.elements.every((one) => one.isTypeOnly));
}

function checkPackage(file, { specifier, isType, at }) {
  if (specifier.startsWith('node:')) return [];
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const area = areaOf(file);
  if (area.packages.includes(name)) return [];
  if (isType && [...TYPES_ANYWHERE, ...(area.types ?? [])].includes(name)) return [];
  const allowed = area.packages.length === 0 ? 'no package' : area.packages.join(', ');
  return [`${at} imports "${specifier}": lib/${area.name} may import ${allowed}.`];
}

function checkFile(file, target, { at }) {
  const from = areaOf(file);
  const to = areaOf(target);
  if (from === to) return [];
  const problem = `${at} imports lib/${target}:`;
  if (!from.areas.includes(to.name) && !(to.name.startsWith('engine/') && from.areas.includes('engine'))) {
    return [`${problem} lib/${from.name} may import ${from.areas.map((name) => `lib/${name}`).join(', ') || 'nothing else'}.`];
  }
  const isOutside = !from.name.startsWith('engine');
  if (TEST_DOORS.includes(target) && from.name === 'testing') return [];
  if (target === FRAMEWORK_DOOR && from.name === '') return [];
  return isOutside && to.name.startsWith('engine') && target !== ENGINE_DOOR
    ? [`${problem} outside the engine, import lib/${ENGINE_DOOR}.`]
    : [];
}

/** The folder of its area that a file lies in; none for what lies beside the rooms. */
function roomOf(file) {
  const { name } = areaOf(file);
  const inside = name === '' ? file : file.slice(name.length + 1);
  return inside.includes('/') ? posix.join(name, inside.split('/', 1)[0]) : undefined;
}

/** Imports between rooms of one area: room → room → what imports what. Exceptions are left out, and counted. */
class Rooms {
  #graph = new Map();
  #met = new Set();

  add(file, target, { isType }) {
    const [from, to] = [roomOf(file), roomOf(target)];
    if (areaOf(file) !== areaOf(target) || from === undefined || to === undefined || from === to) return;
    const exception = ROOM_EXCEPTIONS.find((each) => each.from === from && each.to === to && (isType || !each.types));
    if (exception) {
      this.#met.add(exception);
      return;
    }
    const targets = this.#graph.get(from) ?? new Map();
    this.#graph.set(from, targets.set(to, `${posix.basename(file)} > ${posix.basename(target)}`));
  }

  get problems() {
    const circle = findCircle(new Map([...this.#graph].map(([room, targets]) => [room, targets.keys()])));
    const found = ROOM_EXCEPTIONS.filter((each) => !this.#met.has(each)).map(
      ({ from, to }) => `lib/${from} imports nothing of lib/${to} any more: remove it from ROOM_EXCEPTIONS.`,
    );
    if (!circle) return found;
    const imports = circle.slice(1).map((room, index) => this.#graph.get(circle[index]).get(room));
    return [...found, `These rooms import each other in a circle: ${circle.join(' -> ')} (${imports.join(', ')}).`];
  }
}

/** The first circle of imports found, as a list of files, or rooms, that begins and ends with the same one. */
function findCircle(graph) {
  const done = new Set();
  const path = [];
  const visit = (file) => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const target of graph.get(file) ?? []) {
      const circle = visit(target);
      if (circle) return circle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const circle = visit(file);
    if (circle) return circle;
  }
  return undefined;
}

const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'));
const problems = [];
const graph = new Map();
const rooms = new Rooms();
for (const file of files) {
  const targets = [];
  for (const found of importsOf(file)) {
    if (!found.specifier.startsWith('.')) {
      problems.push(...checkPackage(file, found));
      continue;
    }
    const target = posix.join(dirname(file), found.specifier).replace(/\.js$/, '.ts');
    if (!files.includes(target)) problems.push(`${found.at} imports "${found.specifier}", which is not under lib/.`);
    else {
      problems.push(...checkFile(file, target, found));
      rooms.add(file, target, found);
    }
    targets.push(target);
  }
  graph.set(file, targets);
}
const circle = findCircle(graph);
if (circle) problems.push(`These files import each other in a circle: ${circle.join(' -> ')}.`);
problems.push(...rooms.problems);
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
else process.stdout.write(`The imports of ${files.length} files in lib are in order.\n`);
