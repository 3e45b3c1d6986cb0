import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = 'scripts/check-imports.mjs';

let copy = '';

// The script works on the tree it lies in, so a broken one is tried in a copy.
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'redflow-imports-'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const path of [SCRIPT, 'lib']) cpSync(join(root, path), join(copy, path), { recursive: true });
});

afterEach(() => rmSync(copy, { recursive: true }));

function check(): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [join(copy, SCRIPT)], { encoding: 'utf8' });
}

const add = (file: string, line: string) => appendFileSync(join(copy, 'lib', file), `${line}\n`);

describe('check-imports', () => {
  it('finds the imports of lib in order', () => {
    expect(check()).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    [
      'an import that points up',
      'engine/core/ids.ts',
      "import '../redis/keyspace.js';",
      'imports lib/engine/redis/keyspace.ts: lib/engine/core may import nothing else.',
    ],
    [
      'an import past a door',
      'redflow.module.ts',
      "import './engine/core/ids.js';",
      'outside the engine, import lib/engine/index.ts',
    ],
    ['a package that the layer may not use', 'engine/core/ids.ts', "import 'ioredis';", 'lib/engine/core may import'],
    [
      'files in a circle',
      'engine/redis/stored-names.ts',
      "import type {} from './runs/run-status.js';",
      'These files import each other in a circle: ',
    ],
    [
      'rooms in a circle, though no file is in one',
      'engine/core/api/values.types.ts',
      "import type {} from '../payload/json-equal.js';",
      'These rooms import each other in a circle: engine/core/api -> engine/core/payload -> ',
    ],
    [
      'rooms of the Nest layer in a circle',
      'metadata/workflow-metadata.interface.ts',
      "import type {} from '../discovery/redflow-boot-table.js';",
      'These rooms import each other in a circle: ',
    ],
    [
      'code where types alone are excepted',
      'engine/worker/replay/replay-mismatch.ts',
      "import '../steps/always-park.js';",
      'engine/worker/replay -> engine/worker/steps',
    ],
  ])('refuses %s', (_, file, line, problem) => {
    add(file, line);
    const { status, stderr } = check();
    expect(status).toBe(1);
    expect(stderr).toContain(problem);
  });

  it('refuses an exception that nothing needs any more', () => {
    const path = join(copy, 'lib/engine/worker/steps/step-task.ts');
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, source.replace("from '../pass/watched-run.js'", "from './always-park.js'"));
    expect(check().stderr).toBe(
      'lib/engine/worker/steps imports nothing of lib/engine/worker/pass any more: remove it from ROOM_EXCEPTIONS.\n',
    );
  });
});
