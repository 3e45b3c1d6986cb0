import { describe, expect, it } from '@jest/globals';
import { ChildWorkflowError, type ErrorClass, InvalidOptionError, type WorkflowContext } from '../../../lib/engine/index.js';
import { runInline } from '../../../lib/testing/index.js';
import { rejection, workflow } from '../../support/engine.js';
import { shapeOf } from '../../support/shape-of.js';

class Declined extends Error {
  constructor(readonly reason: string) {
    super(`declined: ${reason}`);
  }
}

const decline = () => {
  throw Object.assign(new Declined('lost'), { rows: 'r'.repeat(5_000) });
};

describe('an error in runInline()', () => {
  it('is the same in every pass, and of its class where that is listed', async () => {
    const seen: unknown[] = [];
    const flow = workflow('flow', async (ctx: WorkflowContext) => {
      await ctx.step.run('charge', decline).catch((error: unknown) => seen.push(error));
      await ctx.step.waitFor('nap', '1d');
    });
    for (const errors of [[Declined], []]) {
      expect(await runInline(flow, { input: undefined, errors })).toMatchObject({ succeeded: true });
      const passes = seen.splice(0);
      expect(passes.length).toBeGreaterThanOrEqual(2);
      for (const error of passes) {
        expect(error instanceof Declined).toBe(errors.length === 1);
        expect(shapeOf(error)).toEqual(shapeOf(passes[0]));
      }
    }
  });

  it('is of its class as the error of the run, and keeps to maxPayloadBytes', async () => {
    const flow = workflow('flow', decline, { maxAttempts: 1, errors: [Declined] });
    expect((await runInline(flow, { input: undefined })).error).toMatchObject({ reason: 'lost', rows: 'r'.repeat(5_000) });
    const { error } = await runInline(flow, { input: undefined, maxPayloadBytes: 4_000 });
    expect(error).toBeInstanceOf(Declined);
    expect(Object.keys(error as Error)).toEqual([]);
  });

  it('is of its class as the cause of an overridden child', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext) => ctx.step.runWorkflow('child', 'elsewhere', undefined), {
      maxAttempts: 1,
      errors: [Declined],
    });
    const { error } = await runInline(flow, { input: undefined, stepOverrides: { child: new Declined('lost') } });
    expect(error).toBeInstanceOf(ChildWorkflowError);
    expect(error?.cause).toBeInstanceOf(Declined);
  });

  it('is not of a class that two lists disagree about: the call is refused', async () => {
    const other = { Declined: class Declined extends Error {} };
    const flow = workflow('flow', decline, { errors: [Declined] });
    const wrong: Array<readonly ErrorClass[]> = [[other.Declined], 'Declined' as unknown as ErrorClass[]];
    for (const errors of wrong) {
      expect(await rejection(runInline(flow, { input: undefined, errors }))).toBeInstanceOf(InvalidOptionError);
    }
  });
});
