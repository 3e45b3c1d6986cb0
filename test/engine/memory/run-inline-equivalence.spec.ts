import { describe, expect, it } from '@jest/globals';
import { createRegistry, defineWorkflow, type RunRecord, type StepRecord } from '../../../lib/engine/index.js';
import { type InlineResult, runInline } from '../../../lib/testing/index.js';
import { startEngine } from '../../support/engine.js';
import { CASES } from '../../support/workflow-cases.js';

const stepOf = ({ name, kind, status, output, error, attempt }: StepRecord) => ({
  ...{ name, kind, status, output, attempt },
  error: error && [error.name, error.message, error.code],
});

const runOf = ({ status, output, attempt, maxAttempts, trigger, tags, failureHook, compensationErrors }: RunRecord) => ({
  ...{ status, output, attempt, maxAttempts, trigger, tags, failureHook },
  compensationErrors: compensationErrors?.map(({ step, name, message }) => [step, name, message]),
});

function inlineOutcome({ run, error, steps }: InlineResult): unknown {
  if (!run) throw new Error('there was no run');
  return { run: runOf(run), steps: steps.map(stepOf), error: errorOf(error) };
}

const errorOf = (error: (Error & { code?: string; detail?: unknown }) | undefined) =>
  error && {
    name: error.name,
    message: error.message,
    code: error.code,
    detail: error.detail,
    cause: (error.cause as Error)?.message,
  };

describe('runInline() and a worker', () => {
  for (const [name, { handler, options, input, others = [] }] of Object.entries(CASES)) {
    it(`agree on ${name}`, async () => {
      const subject = defineWorkflow('subject', { ...options, handler, registry: createRegistry() });
      const engine = await startEngine({ workflows: [subject, ...others] });
      const handle = await engine.client.run(subject, input);
      const error = await handle.result({ timeoutMs: 60_000 }).then(
        () => undefined,
        ({ cause }: Error) => cause as Error,
      );
      if (subject.onFailure) await engine.hookEnded(handle.id);
      const run = await handle.getState();
      const steps = await engine.client.getRunSteps(handle.id);

      const inline = await runInline(subject, { input, run: { id: handle.id } });

      expect(inlineOutcome(inline)).toEqual({ run: runOf(run), steps: steps.map(stepOf), error: errorOf(error) });
    });
  }
});
