// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the code under test
import { describe } from '@jest/globals';
import type { StepApi } from 'nestjs-redflow';
import plugin from 'nestjs-redflow/eslint';
import { code, onJavaScript, onTypeScript, workflow } from '../support/rule-tester.js';

const rule = plugin.rules['no-floating-step'];
const STEP_METHOD = '@Step() async charge(id: string) { return id; }';

const good = (body: string, members = '') => ({ name: body, code: workflow(body, members) });
/** The body of a handler with one finding, for which an `await` in this place is suggested. */
const bad = (body: string, awaited: string, members = '') => ({
  name: body,
  code: workflow(body, members),
  errors: [{ messageId: 'promise', suggestions: [{ messageId: 'addAwait', output: workflow(awaited, members) }] }],
});
/** One for which none is. */
const lost = (body: string, members = '') => ({ name: body, code: workflow(body, members), errors: [{ messageId: 'promise' }] });

describe('steps of the context', () => {
  onTypeScript.run('no-floating-step', rule, {
    valid: [
      good('await ctx.step.run("a", () => 1);'),
      good('return ctx.step.run("a", () => 1);'),
      good('void ctx.step.run("a", () => 1);'),
      good('return (await ctx.step.run("a", () => 1)).id;'),
      good('const { id } = await ctx.step.run("a", () => 1); return id;'),
      good('const a = ctx.step.run("a", () => 1); await b(); return await a;'),
      good('let a; a = ctx.step.run("a", () => 1); return a;'),
      good('await Promise.all([ctx.step.run("a", () => 1), ctx.step.run("b", () => 1)]);'),
      good('const [a, b] = await Promise.allSettled([ctx.step.run("a", () => 1), ctx.step.run("b", () => 1)]);'),
      good('const { winner } = await Promise.race([ctx.step.run("a", () => 1), ctx.step.waitFor("b", "1h")]);'),
      good('await Promise.all(ctx.input.lines.map((line) => ctx.step.run(line.id, () => 1)));'),
      good('await Promise.all(ctx.input.lines.map(async (line) => { await ctx.step.run(line.id, () => 1); }));'),
      good('const all = lines.map((line) => ctx.step.run(line.id, () => 1)); await Promise.all(all);'),
      good('return lines.map((line) => ctx.step.run(line.id, () => 1));'),
      good(
        'await lines.reduce(async (before, line) => { await before; await ctx.step.run(line.id, () => 1); }, Promise.resolve());',
      ),
      good('const all = []; for (const line of lines) all.push(ctx.step.run(line.id, () => 1)); await Promise.all(all);'),
      good('this.pending = ctx.step.run("a", () => 1); await this.pending;'),
      good('const run = (id: string) => ctx.step.run(id, () => 1); await run("a");'),
      good('const [a, b] = [ctx.step.run("a", () => 1), ctx.step.run("b", () => 1)]; return [await a, await b];'),
      good('const orders = { a: ctx.step.run("a", () => 1) }; return orders;'),
      good('await ctx.step.run("a", () => 1).catch(() => undefined);'),
      good('await (ctx.input.paid ? ctx.step.run("a", () => 1) : ctx.step.run("b", () => 1));'),
      good('return ctx.input.paid && ctx.step.run("a", () => 1);'),
      good('return firstValueFrom(ctx.step.run("a", () => 1));'),
      good('await ctx.step.run("a", async (step) => { step.progress(1); });'),
      good('this.jobs.run("a"); runner.step("a"); await this.run.step(1);'),
      good('await ctx.step.run("a", () => this.events.emitEvent("b"));'),
      { name: 'what other packages call so', code: 'async function f(ctx) { ctx.step.run("a"); }' },
      {
        name: 'exported constants',
        code: code('declare const ctx: WorkflowContext; export const a = ctx.step.run("a", () => 1);'),
      },
    ],
    invalid: [
      bad('ctx.commit();', 'await ctx.commit();'),
      bad('ctx.patched("a");', 'await ctx.patched("a");'),
      bad('if (ctx.input.paid) ctx.step.run("a", () => 1);', 'if (ctx.input.paid) await ctx.step.run("a", () => 1);'),
      bad('ctx.input.paid && ctx.step.run("a", () => 1);', 'ctx.input.paid && await ctx.step.run("a", () => 1);'),
      bad('const a = ctx.step.run("a", () => 1);', 'const a = await ctx.step.run("a", () => 1);'),
      bad('const { id } = ctx.step.run("a", () => 1); return id;', 'const { id } = await ctx.step.run("a", () => 1); return id;'),
      bad('let a; a = ctx.step.run("a", () => 1);', 'let a; a = await ctx.step.run("a", () => 1);'),
      bad('ctx.step.run("a", () => 1).catch(() => 2);', 'await ctx.step.run("a", () => 1).catch(() => 2);'),
      bad('Promise.all([ctx.step.run("a", () => 1)]);', 'await Promise.all([ctx.step.run("a", () => 1)]);'),
      bad(
        'Promise.all(lines.map((line) => ctx.step.run(line.id, () => 1)));',
        'await Promise.all(lines.map((line) => ctx.step.run(line.id, () => 1)));',
      ),
      bad(
        '(async () => { await ctx.step.run("a", () => 1); })();',
        'await (async () => { await ctx.step.run("a", () => 1); })();',
      ),
      bad('const { step } = ctx; step.run("a", () => 1);', 'const { step } = ctx; await step.run("a", () => 1);'),
      bad('const step = ctx.step; step.run("a", () => 1);', 'const step = ctx.step; await step.run("a", () => 1);'),
      bad('const { step: s } = ctx; s.run("a", () => 1);', 'const { step: s } = ctx; await s.run("a", () => 1);'),
      bad('const all = ctx; all.step!.run("a", () => 1);', 'const all = ctx; await all.step!.run("a", () => 1);'),
      lost('for (const line of lines) f(() => { ctx.step.run(line.id, () => 1); });'),
    ],
  });
});

describe('steps in callbacks of array methods', () => {
  const forEach = (body: string) => ({ name: body, code: workflow(body), errors: [{ messageId: 'forEach' }] });
  const array = (body: string) => ({ name: body, code: workflow(body), errors: [{ messageId: 'array' }] });
  onTypeScript.run('no-floating-step', rule, {
    valid: [
      good('const all = []; lines.forEach((line) => { all.push(ctx.step.run(line.id, () => 1)); }); await Promise.all(all);'),
    ],
    invalid: [
      array('lines.map((line) => ctx.step.run(line.id, () => 1));'),
      array('lines.map(async (line) => { await ctx.step.run(line.id, () => 1); await ctx.step.run(`${line.id}:b`, () => 1); });'),
      array('await lines.map((line) => ctx.step.run(line.id, () => 1));'),
      array('await lines.map(async (line) => { await ctx.step.run(line.id, () => 1); });'),
      array('await [ctx.step.run("a", () => 1)];'),
      array('await Array.from(lines, (line) => ctx.step.run(line.id, () => 1));'),
      array('const all = lines.map((line) => ctx.step.run(line.id, () => 1));'),
      array('ctx.input.paid ? await lines.flatMap((line) => ctx.step.run(line.id, () => 1)) : undefined;'),
      forEach('lines.forEach((line) => ctx.step.run(line.id, () => 1));'),
      forEach('lines.forEach(async (line) => { await ctx.step.run(line.id, () => 1); });'),
      forEach(
        'lines.forEach(async (line) => { await ctx.step.run(line.id, () => 1); await ctx.step.run(`${line.id}:b`, () => 1); });',
      ),
    ],
  });
});

describe('conditions', () => {
  const condition = (body: string, awaited: string) => ({
    name: body,
    code: workflow(body),
    errors: [{ messageId: 'condition', suggestions: [{ messageId: 'addAwait', output: workflow(awaited) }] }],
  });
  onTypeScript.run('no-floating-step', rule, {
    valid: [
      good('if (await ctx.patched("a")) await ctx.step.run("a", () => 1);'),
      good('const isPatched = await ctx.patched("a"); if (!isPatched) return;'),
      good('if (!(await ctx.step.waitForEvent("a", { event: "paid", correlationKey: "b" }))) return;'),
      good('return (await ctx.patched("a")) ? 1 : 2;'),
    ],
    invalid: [
      condition('if (ctx.patched("a")) return;', 'if (await ctx.patched("a")) return;'),
      condition('if (!ctx.patched("a")) return;', 'if (!await ctx.patched("a")) return;'),
      condition('while (ctx.step.run("a", () => 1)) stop();', 'while (await ctx.step.run("a", () => 1)) stop();'),
      condition('return ctx.patched("a") ? 1 : 2;', 'return await ctx.patched("a") ? 1 : 2;'),
      condition('return ctx.patched("a") && later();', 'return await ctx.patched("a") && later();'),
      condition(
        'const a = ctx.step.run("a", () => 1) ?? 2; return a;',
        'const a = await ctx.step.run("a", () => 1) ?? 2; return a;',
      ),
    ],
  });
});

describe('methods that are steps', () => {
  const paid = (body: string) =>
    code(`@Injectable() class Payments { @Step() async charge() {} async find() {} }
      @Workflow() class A { constructor(private readonly payments: Payments) {} async run(ctx: WorkflowContext) { ${body} } }`);
  onTypeScript.run('no-floating-step', rule, {
    valid: [
      good('await this.charge("a"); return this.charge("b");', STEP_METHOD),
      good('await Promise.all(lines.map((line) => this.charge(line.id)));', STEP_METHOD),
      good('this.notify();', 'async notify() {}'),
      good('await ctx.step.run("a", () => { this.charge("a"); });', STEP_METHOD),
      {
        name: 'outside a handler they are plain methods',
        code: workflow('return 1;', `${STEP_METHOD} other() { this.charge("a"); }`),
      },
      { name: 'awaited, of an injected provider', code: paid('await this.payments.charge();') },
      { name: 'another method of an injected provider', code: paid('this.payments.find();') },
    ],
    invalid: [
      bad('this.charge("a");', 'await this.charge("a");', STEP_METHOD),
      bad('const receipt = this.charge("a");', 'const receipt = await this.charge("a");', STEP_METHOD),
      {
        name: 'of an injected provider in the file',
        code: paid('this.payments.charge();'),
        errors: [
          { messageId: 'promise', suggestions: [{ messageId: 'addAwait', output: paid('await this.payments.charge();') }] },
        ],
      },
      {
        name: 'in a method that the handler calls',
        code: workflow('await this.pay();', `${STEP_METHOD} async pay() { this.charge("a"); }`),
        errors: [
          {
            messageId: 'promise',
            suggestions: [
              {
                messageId: 'addAwait',
                output: workflow('await this.pay();', `${STEP_METHOD} async pay() { await this.charge("a"); }`),
              },
            ],
          },
        ],
      },
    ],
  });
});

/** Every operation that there is: a new one does not compile before it is here. */
const OPERATIONS: Record<keyof StepApi, string> = {
  run: '"a", () => 1',
  waitFor: '"a", "1d"',
  waitForEvent: '"a", { event: "paid", correlationKey: "b" }',
  waitForAny: '"a", { b: { for: "1d" } }',
  runWorkflow: '"a", Receipt, {}',
  emitEvent: '"a", "paid", {}',
  emitWorkflow: '"a", Receipt, {}',
};

describe('every operation', () => {
  onTypeScript.run('no-floating-step', rule, {
    valid: [],
    invalid: Object.entries(OPERATIONS).map(([operation, args]) =>
      bad(`ctx.step.${operation}(${args});`, `await ctx.step.${operation}(${args});`),
    ),
  });
});

describe('contexts by their place and by their type', () => {
  const found = (text: string) => ({ name: text, code: code(text), errors: [{ messageId: 'promise' }] });
  onTypeScript.run('no-floating-step', rule, {
    valid: [
      {
        name: 'another step',
        code: code('function f(step: Step) { step.run("a"); } function g({ step, patched }) { step.run("a"); patched("a"); }'),
      },
      {
        name: 'another commit',
        code: code('function f(db) { db.commit(); } function g(ctx: WorkflowContext, db) { db.commit(); }'),
      },
    ],
    invalid: [
      found('function f() { const run = currentRun(); run.commit(); }'),
      found('class A { @OnEvent("a") thank(order, { step }) { step.run("a", () => 1); } }'),
      found('class A { @OnCron("a") tick(_, ctx) { ctx.commit(); } }'),
      found('function pay(ctx: WorkflowContext) { ctx.step.run("a", () => 1); }'),
      found('function pay({ patched }: FailureContext<Order>) { patched("a"); }'),
      found('function pay({ step }: FailureContext<Order>) { step.run("a", () => 1); }'),
      found('function pay(step: StepApi) { step.run("a", () => 1); }'),
      found('defineWorkflow("a", { handler(context) { context.commit(); } });'),
      found('defineWorkflow("a", { handler({ step }) { step.run("a", () => 1); } });'),
    ],
  });
});

describe('JavaScript', () => {
  const text = (body: string) =>
    `import { defineWorkflow } from "nestjs-redflow/engine"; defineWorkflow("a", { handler: async (ctx) => { ${body} } });`;
  onJavaScript.run('no-floating-step', rule, {
    valid: [text('await ctx.step.run("a", () => 1);')],
    invalid: [
      {
        code: text('ctx.step.run("a", () => 1);'),
        errors: [
          { messageId: 'promise', suggestions: [{ messageId: 'addAwait', output: text('await ctx.step.run("a", () => 1);') }] },
        ],
      },
    ],
  });
});
