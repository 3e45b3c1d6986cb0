import { describe, expect, it } from '@jest/globals';
import { PayloadTooLargeError, type WorkflowContext } from '../../../lib/engine/index.js';
import { rejection, startEngine, workflow } from '../../support/engine.js';
import { expectNoKeys } from '../../support/namespace.js';

const LIMIT = 1_000;

/** Text that takes exactly so many bytes as JSON, with characters of one to four bytes and escapes. */
function textOf(bytes: number): string {
  const odd = 'ä€🎈"\n';
  const left = bytes - Buffer.byteLength(JSON.stringify(odd));
  return odd + 'x'.repeat(left);
}

const small = { maxPayloadBytes: LIMIT };

describe('maxPayloadBytes', () => {
  it('accepts an input of exactly the limit', async () => {
    const length = workflow('length', (ctx: WorkflowContext<string>) => ctx.input.length);
    const engine = await startEngine({ workflows: [length], client: small });
    const input = textOf(LIMIT);
    expect(await (await engine.client.run(length, input)).result()).toBe(input.length);
  });

  it('refuses an input of one byte more, before anything is written', async () => {
    const noop = workflow('noop', () => undefined);
    const engine = await startEngine({ worker: false, client: small });
    const error = await rejection(engine.client.run(noop, textOf(LIMIT + 1)));
    expect(error).toBeInstanceOf(PayloadTooLargeError);
    expect(error).toMatchObject({ what: 'input of workflow "noop"', bytes: LIMIT + 1, maxBytes: LIMIT });
    await expectNoKeys(engine.prefix);
  });

  it('holds for the output of a step', async () => {
    const handler = (ctx: WorkflowContext<number>) => ctx.step.run('one', () => textOf(ctx.input)).then(({ length }) => length);
    const flow = workflow('flow', handler);
    const engine = await startEngine({ workflows: [flow], worker: small });
    expect(await (await engine.client.run(flow, LIMIT)).result()).toBe(textOf(LIMIT).length);
    const handle = await engine.client.run(flow, LIMIT + 1);
    const error = await engine.failure(handle);
    expect(error).toBeInstanceOf(PayloadTooLargeError);
    expect(error).toMatchObject({ what: `output of step "one" of run "${handle.id}"`, bytes: LIMIT + 1, maxBytes: LIMIT });
    expect((await handle.getState()).attempt).toBe(1);
  });

  it('holds for the output of a run', async () => {
    const flow = workflow('flow', (ctx: WorkflowContext<number>) => textOf(ctx.input));
    const engine = await startEngine({ workflows: [flow], worker: small });
    expect(await (await engine.client.run(flow, LIMIT)).result()).toBe(textOf(LIMIT));
    const handle = await engine.client.run(flow, LIMIT + 1);
    expect(await engine.failure(handle)).toMatchObject({ name: 'PayloadTooLargeError', what: `output of run "${handle.id}"` });
  });

  it('is 1 MiB by default', async () => {
    const echo = workflow('echo', (ctx: WorkflowContext<string>) => ctx.input);
    const engine = await startEngine({ workflows: [echo] });
    const text = textOf(1024 * 1024);
    expect(await (await engine.client.run(echo, text)).result()).toBe(text);
    expect(await rejection(engine.client.run(echo, `${text}x`))).toMatchObject({ maxBytes: 1024 * 1024, bytes: 1024 * 1024 + 1 });
  });

  it('counts the value as it is stored', async () => {
    const echo = workflow('echo', (ctx: WorkflowContext) => ctx.input);
    const engine = await startEngine({ workflows: [echo], client: small });
    const input = { small: 1, toJSON: () => textOf(LIMIT) };
    expect(await (await engine.client.run(echo, input)).result()).toBe(textOf(LIMIT));
  });
});
