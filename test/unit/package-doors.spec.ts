import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import ts from 'typescript';

const { exports, dependencies, peerDependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const DOORS = ['lib/index.ts', 'lib/engine/index.ts', 'lib/engine/framework.ts'];
const program = ts.createProgram(DOORS, { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext });

/** What a module exports, types too, and the modules that it has it of. */
function exportsOf(file: string): { names: string[]; ofEngine: string[] } {
  const source = program.getSourceFile(file) as ts.SourceFile;
  const checker = program.getTypeChecker();
  const names = checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol).map(({ name }) => name);
  const ofEngine = source.statements.filter(ts.isExportDeclaration).flatMap(({ moduleSpecifier, exportClause }) => {
    const isOfEngine = moduleSpecifier && ts.isStringLiteral(moduleSpecifier) && moduleSpecifier.text === './engine/index.js';
    return isOfEngine && exportClause && ts.isNamedExports(exportClause)
      ? exportClause.elements.map(({ name }) => name.text)
      : [];
  });
  return { names: names.sort(), ofEngine: ofEngine.sort() };
}

it('the engine exports what applications with Nest get of it, and nothing for our own layers', () => {
  const [main, engine, framework] = DOORS.map(exportsOf);
  expect(engine.names).toEqual(main.ofEngine);
  expect(engine.names.length).toBeGreaterThan(100);
  expect(framework.names.filter((name) => main.names.includes(name))).toEqual([]);
});

it('the package has these doors', () => {
  expect(Object.keys(exports)).toEqual(['.', './engine', './testing', './eslint', './package.json']);
});

it("ioredis is the application's own, of a range that we are tested with", () => {
  expect(dependencies).not.toHaveProperty('ioredis');
  expect(peerDependencies.ioredis).toBe('^5.6.0 || ^6.0.0');
  expect(devDependencies.ioredis).toMatch(/^6\./);
});
