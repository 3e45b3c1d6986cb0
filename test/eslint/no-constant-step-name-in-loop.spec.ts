// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the code under test
import { describe } from '@jest/globals';
import plugin from 'nestjs-redflow/eslint';
import { code, onJavaScript, onTypeScript, workflow } from '../support/rule-tester.js';

const rule = plugin.rules['no-constant-step-name-in-loop'];
const good = (body: string, members = '') => ({ name: body, code: workflow(body, members) });
const bad = (body: string, name = 'a') => ({
  name: body,
  code: workflow(body),
  errors: [{ messageId: 'constantName', data: { name } }],
});

describe('names in loops', () => {
  onTypeScript.run('no-constant-step-name-in-loop', rule, {
    valid: [
      good('await ctx.step.run("a", () => 1);'),
      good('for (const line of lines) await ctx.step.run(`a:${line.id}`, () => 1);'),
      good('for (const line of lines) await ctx.step.run("a:" + line.id, () => 1);'),
      good('for (const line of lines) await ctx.step.run(line.id, () => 1);'),
      good('let i = 0; while (i < 3) await ctx.step.run(String(i++), () => 1);'),
      good('await Promise.all(lines.map((line) => ctx.step.run(`a:${line.id}`, () => 1)));'),
      good('await ctx.step.run("a", async () => { for (const line of lines) await this.reserve(line, "a"); });'),
      good('for (const line of await ctx.step.run("a", () => 1)) console.log(line);'),
      good('for (let left = await ctx.step.run("a", () => 1); left > 0; left--) console.log(left);'),
      good('for (const line of lines) handlers.push(() => ctx.step.run("a", () => 1));'),
      good('for (const line of lines) await ctx.commit();'),
      good('for (const line of lines) if (await ctx.patched("a")) console.log(line);'),
      good('for (const line of lines) await this.runner.run("a", () => 1);'),
      good('(await ctx.step.run("a", () => 1)).map((line) => line.id);'),
      good('for (const line of lines) await this.charge(line);', '@Step() async charge(line) {}'),
    ],
    invalid: [
      bad('for (const line of lines) await ctx.step.run("a", () => line);'),
      bad('for (const line of lines) await ctx.step.run(`a`, () => line);'),
      bad('for (const key in lines) { await ctx.step.run("a", () => key); }'),
      bad('for (let i = 0; i < 3; i++) { await ctx.step.waitFor("a", "1d"); }'),
      bad('while (await ctx.step.run("a", () => 1)) console.log(1);'),
      bad('do { await ctx.step.run("a", () => 1); } while (true);'),
      bad('for (const line of lines) { if (line.paid) { await ctx.step.emitEvent("a", "paid", line); } }'),
      bad('await Promise.all(lines.map((line) => ctx.step.run("a", () => line)));'),
      bad('await Promise.all(lines.map(async (line) => { await ctx.step.run("a", () => line); }));'),
      bad('await Promise.all(Array.from(lines, (line) => ctx.step.run("a", () => line)));'),
      bad('lines.forEach((line) => ctx.step.run("a", () => line));'),
      bad('for (const line of lines) await find(line).then(() => ctx.step.run("a", () => 1), undefined);'),
      bad('const NAME = "a"; for (const line of lines) await ctx.step.run(NAME, () => line);'),
      bad('const { step } = ctx; for (const line of lines) await step.runWorkflow("a", Receipt, line);'),
    ],
  });
});

describe('loops that end with the step', () => {
  onTypeScript.run('no-constant-step-name-in-loop', rule, {
    valid: [
      good('for (const line of lines) { if (line.paid) return ctx.step.run("a", () => 1); }'),
      good('for (const line of lines) { if (line.paid) { await ctx.step.run("a", () => 1); break; } }'),
      good('while (true) { const a = await ctx.step.run("a", () => 1); console.log(a); break; }'),
      good('for (const line of lines) { await ctx.step.run("a", () => 1); throw new Error(); }'),
      good('out: for (const a of as) for (const b of bs) { await ctx.step.run("a", () => 1); break out; }'),
      good('for (const a of as) { switch (a) { case 1: return ctx.step.run("a", () => 1); } }'),
      good('for (const a of as) { try { return await ctx.step.run("a", () => 1); } catch (error) { throw new Error("b"); } }'),
      good('for (const a of as) { try { return await ctx.step.run("a", () => 1); } finally { console.log(a); } }'),
      good('for (const a of as) { try { await ctx.step.run("a", () => 1); } catch {} return; }'),
    ],
    invalid: [
      bad('for (const a of as) { try { return await ctx.step.run("a", () => 1); } catch (error) { console.log(error); } }'),
      bad('for (const a of as) { await ctx.step.run("a", () => 1); if (a.last) break; }'),
      bad('for (const a of as) { if (a.paid) { await ctx.step.run("a", () => 1); continue; } return; }'),
      bad('for (const a of as) { switch (a) { case 1: await ctx.step.run("a", () => 1); break; } }'),
      bad('for (const a of as) { for (const b of bs) { await ctx.step.run("a", () => 1); break; } }'),
      bad('for (const a of as) await find(a).then(() => { return ctx.step.run("a", () => 1); });'),
    ],
  });
});

describe('helpers and JavaScript', () => {
  onTypeScript.run('no-constant-step-name-in-loop', rule, {
    valid: [],
    invalid: [
      {
        code: code('async function f({ step }: WorkflowContext) { for (const a of as) await step.run("a", () => 1); }'),
        errors: [{ messageId: 'constantName' }],
      },
    ],
  });
  onJavaScript.run('no-constant-step-name-in-loop', rule, {
    valid: ['import "nestjs-redflow"; async function f(ctx) { for (const a of as) await ctx.step.run(a, () => 1); }'],
    invalid: [
      {
        code: 'import "nestjs-redflow"; async function f(ctx) { for (const a of as) await ctx.step.run("a", () => 1); }',
        errors: [{ messageId: 'constantName' }],
      },
    ],
  });
});
