import { describe } from '@jest/globals';
import plugin from 'nestjs-redflow/eslint';
import { code, onJavaScript, onTypeScript, workflow } from '../support/rule-tester.js';

const rule = plugin.rules['no-nested-step'];
const good = (body: string, members = '') => ({ name: body, code: workflow(body, members) });
const bad = (messageId: string, body: string, name: string) => ({
  name: body,
  code: workflow(body),
  errors: [{ messageId, data: { name } }],
});

describe('steps in steps', () => {
  onTypeScript.run('no-nested-step', rule, {
    valid: [
      good('await ctx.step.run("a", () => 1); await ctx.step.run("b", () => 1);'),
      good('await ctx.step.run("a", () => this.charge());', '@Step() async charge() {}'),
      good('await ctx.step.run("a", ({ progress }) => progress(1));'),
      good('await ctx.step.run("a", async (step) => { await step.progress(1); });'),
      good('await ctx.step.run("a", () => 1, { compensate: async () => { if (await ctx.patched("b")) undo(); } });'),
      good('await ctx.step.run("a", () => this.jobs.run("b", () => 1));'),
      good('await ctx.step.run("a", () => this.database.commit());'),
      good('await ctx.step.run("a", () => 1).then(() => ctx.step.run("b", () => 1));'),
      good('await this.retried(() => ctx.step.run("a", () => 1));'),
      good('await Promise.all(lines.map((line) => ctx.step.run(line.id, () => 1)));'),
      good('await ctx.step.run("a", () => this.client.emitEvent("b", 1));'),
      {
        name: 'a function that is a parameter',
        code: code(
          'async function f(make: () => unknown) { defineWorkflow("a", { handler: (ctx) => ctx.step.run("a", make) }); }',
        ),
      },
      {
        name: 'the handler of another workflow',
        code: workflow(
          'await ctx.step.run("a", () => defineWorkflow("b", { handler: (inner) => inner.step.run("c", () => 1) }));',
        ),
      },
      { name: 'another run', code: code('class A { @Step() async start() { await this.runner.step.start("a"); } }') },
    ],
    invalid: [
      bad('step', 'await ctx.step.run("a", () => ctx.step.run("b", () => 1));', 'ctx.step.run'),
      bad('step', 'await ctx.step.run("a", async () => { await ctx.step.run("b", () => 1); });', 'ctx.step.run'),
      bad(
        'step',
        'await ctx.step.run("a", () => Promise.all(lines.map((line) => ctx.step.run(line.id, () => 1))));',
        'ctx.step.run',
      ),
      bad('step', 'const { step } = ctx; await step.run("a", () => step.run("b", () => 1));', 'step.run'),
      bad('step', 'const a = () => ctx.step.run("b", () => 1); await ctx.step.run("a", a);', 'ctx.step.run'),
      bad('operation', 'await ctx.step.run("a", () => ctx.step.waitFor("b", "1d"));', 'ctx.step.waitFor'),
      bad('operation', 'await ctx.step.run("a", () => ctx.step.runWorkflow("b", Receipt, {}));', 'ctx.step.runWorkflow'),
      bad('operation', 'await ctx.step.run("a", () => ctx.step.emitEvent("b", "paid", {}));', 'ctx.step.emitEvent'),
      bad('operation', 'await ctx.step.run("a", () => ctx.commit());', 'ctx.commit'),
      bad('operation', 'await ctx.step.run("a", () => ctx.patched("b"));', 'ctx.patched'),
      bad(
        'operation',
        'await ctx.step.run("a", () => 1, { compensate: () => ctx.step.waitFor("b", "1d") });',
        'ctx.step.waitFor',
      ),
      bad('operation', 'const { patched } = ctx; await ctx.step.run("a", () => patched("b"));', 'patched'),
      bad('step', 'await ctx.step.run("a", () => 1, { compensate: { run: () => ctx.step.run("b", () => 1) } });', 'ctx.step.run'),
      {
        name: 'in a method that is a step',
        code: code('class A { @Step() async pay(ctx: WorkflowContext) { await ctx.step.waitFor("b", "1d"); } }'),
        errors: [{ messageId: 'operation' }],
      },
      {
        name: 'in a method that is its own step',
        code: code('class A { @OnEvent("a") @Step() async pay(input, ctx) { await ctx.step.run("b", () => 1); } }'),
        errors: [{ messageId: 'step' }],
      },
    ],
  });
});

describe('JavaScript', () => {
  onJavaScript.run('no-nested-step', rule, {
    valid: [
      'import "nestjs-redflow"; async function f(ctx) { await ctx.step.run("a", () => 1); await ctx.step.waitFor("b", "1d"); }',
    ],
    invalid: [
      {
        code: 'import { defineWorkflow } from "nestjs-redflow"; const f = (ctx) => ctx.step.run("a", () => ctx.step.run("b", () => 1));',
        errors: [{ messageId: 'step' }],
      },
    ],
  });
});
