import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Stage } from './stage.js';

const LIBRARY = `
import { Injectable } from '@nestjs/common';
import { currentRun, currentStep, Step, Workflow } from 'nestjs-redflow';
export { currentStep, Step };
export { defaultRegistry } from './node_modules/nestjs-redflow/dist/engine/core/workflows/registry.js';

export function make({ record }) {
  class Payments {
    async charge(runId) {
      return record(runId, 'charge', { idempotencyKey: currentStep()?.idempotencyKey });
    }
  }
  Injectable()(Payments);
  const descriptor = Object.getOwnPropertyDescriptor(Payments.prototype, 'charge');
  Step()(Payments.prototype, 'charge', descriptor);
  Object.defineProperty(Payments.prototype, 'charge', descriptor);

  class LibraryWorkflow {
    async run(ctx) {
      return currentRun()?.run.id === ctx.run.id;
    }
  }
  Workflow('of-library')(LibraryWorkflow);
  return { Payments, LibraryWorkflow };
}
`;

describe('a library with its own copy of the package', () => {
  let root: string;
  let copy: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'redflow-copies-'));
    copy = join(root, 'library/node_modules/nestjs-redflow');
    mkdirSync(copy, { recursive: true });
    cpSync('dist', join(copy, 'dist'), { recursive: true });
    cpSync('package.json', join(copy, 'package.json'));
    // All but the package itself is there once, as a package manager would install it.
    symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
    writeFileSync(join(root, 'library/index.mjs'), LIBRARY);
  });

  afterAll(() => rmSync(root, { recursive: true }));

  it('has durable steps in the runs of the application, and workflows; the boot names both copies', async () => {
    const stage = new Stage();
    const worker = await stage.worker('two-copies.mjs', { args: [join(root, 'library/index.mjs')] });
    const handle = await stage.client.runByName('order', null);
    expect(await handle.result()).toEqual({ receipt: 1, inStep: true });
    expect(await stage.counts(handle.id)).toEqual({ charge: 1 });
    expect((await stage.client.getRunSteps(handle.id)).map(({ name }) => name)).toContain('Payments.charge');
    expect(await (await stage.client.runByName('of-library', null)).result()).toBe(true);
    await worker.kill('SIGTERM');
    const output = [...worker.lines, worker.stderr].join('\n');
    expect(output).toContain(`This process has loaded 2 copies of nestjs-redflow: `);
    for (const path of [resolve('.'), copy]) expect(output).toContain(`"${path}"`);
  });
});
