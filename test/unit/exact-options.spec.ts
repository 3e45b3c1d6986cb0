import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import ts from 'typescript';

const project = fileURLToPath(new URL('../types/exact/tsconfig.json', import.meta.url));

it('optional options take undefined in applications with exactOptionalPropertyTypes', () => {
  const { config } = ts.readConfigFile(project, ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(project));
  expect(options.exactOptionalPropertyTypes).toBe(true);
  const program = ts.createProgram(fileNames, options);
  // Of these files only: the library itself is compiled without the flag.
  const problems = fileNames.flatMap((name) => {
    const source = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  const lines = problems.map(({ file, start = 0, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line : 0;
    return `${file?.text.split('\n')[line].trim()}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  expect(lines).toEqual([]);
  expect(fileNames).toHaveLength(1);
});
