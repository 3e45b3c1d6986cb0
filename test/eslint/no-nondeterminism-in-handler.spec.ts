// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the code under test
import { describe } from '@jest/globals';
import plugin from 'nestjs-redflow/eslint';
import { code, onJavaScript, onTypeScript, workflow } from '../support/rule-tester.js';

const rule = plugin.rules['no-nondeterminism-in-handler'];

/** The body of a handler that has one finding. */
const bad = (messageId: string, body: string, { name, imports = '' }: { name?: string; imports?: string } = {}) => ({
  name: body,
  code: `${imports}${workflow(body)}`,
  errors: [{ messageId, ...(name !== undefined && { data: { name } }) }],
});
const good = (body: string, imports = '') => ({ name: `${imports}${body}`, code: `${imports}${workflow(body)}` });

describe('clocks', () => {
  onTypeScript.run('no-nondeterminism-in-handler', rule, {
    valid: [
      good('const now = await ctx.step.run("now", () => Date.now());'),
      good('const at = new Date(ctx.input.dueAt); const ms = Date.parse(ctx.input.dueAt); return Date.UTC(2030, 1);'),
      good('return new Date(ctx.schedule?.instant ?? 0);'),
      good('await ctx.step.waitFor("due", new Date(await ctx.step.run("now", () => Date.now())));'),
      good('return dayjs(ctx.input.dueAt).add(1, "day").toDate();', 'import dayjs from "dayjs";'),
      good('class Date { static now() { return 1; } } return Date.now();'),
      good('const { performance } = ctx.input; return performance.now();'),
      good('return addDays(ctx.input.dueAt, 3);', 'import { addDays } from "date-fns";'),
      good('return this.clock.now();'),
      good('clearTimeout(ctx.input.timer);'),
    ],
    invalid: [
      bad('clock', 'const now = Date.now();', { name: 'Date.now' }),
      bad('clock', 'const now = new Date();', { name: 'Date' }),
      bad('clock', 'const now = Date();'),
      bad('clock', 'const now = globalThis.Date.now();', { name: 'globalThis.Date.now' }),
      bad('clock', 'await ctx.step.waitFor("due", new Date(Date.now() + 1000));', { name: 'Date.now' }),
      bad('clock', 'const start = performance.now();'),
      bad('clock', 'const start = process.hrtime();'),
      bad('clock', 'const start = process.hrtime.bigint();', { name: 'process.hrtime.bigint' }),
      bad('clock', 'const { now } = Date; return now();', { name: 'now' }),
      bad('clock', 'return dayjs().add(1, "day");', { imports: 'import dayjs from "dayjs";' }),
      bad('clock', 'return DateTime.now();', { imports: 'import { DateTime } from "luxon";' }),
      bad('clock', 'return isPast(ctx.input.dueAt);', { imports: 'import { isPast } from "date-fns";' }),
      bad('clock', 'return performance.now();', { imports: 'import { performance } from "node:perf_hooks";' }),
      bad('timer', 'await new Promise((resolve) => setTimeout(resolve, 1000));', { name: 'setTimeout' }),
      bad('timer', 'await setTimeout(1000);', { imports: 'import { setTimeout } from "node:timers/promises";' }),
      bad('timer', 'await delay(1000);', { imports: 'import { setTimeout as delay } from "timers/promises";' }),
      bad('timer', 'await timers.setTimeout(1000);', { imports: 'import * as timers from "timers/promises";' }),
      bad('timer', 'await delay(1000);', { imports: 'import delay from "delay";' }),
    ],
  });
});

describe('random values', () => {
  onTypeScript.run('no-nondeterminism-in-handler', rule, {
    valid: [
      good('const id = await ctx.step.run("id", () => randomUUID());', 'import { randomUUID } from "node:crypto";'),
      good('return createHash("sha1").update(ctx.input.id).digest("hex");', 'import { createHash } from "node:crypto";'),
      good('return v5(ctx.input.id, NAMESPACE);', 'import { v5 } from "uuid";'),
      good('return Math.max(1, Math.floor(ctx.input.cents));'),
      good('return randomUUID();', 'import { randomUUID } from "./my-deterministic-ids.js";'),
      good('return ctx.step.run("id", randomUUID);', 'import { randomUUID } from "node:crypto";'),
    ],
    invalid: [
      bad('random', 'return Math.random();', { name: 'Math.random' }),
      bad('random', 'return crypto.randomUUID();'),
      bad('random', 'return globalThis.crypto.getRandomValues(bytes);'),
      bad('random', 'return randomUUID();', { imports: 'import { randomUUID } from "node:crypto";' }),
      bad('random', 'return randomBytes(16);', { imports: 'import { randomBytes } from "crypto";' }),
      bad('random', 'return crypto.randomInt(6);', { imports: 'import crypto from "node:crypto";' }),
      bad('random', 'return crypto.randomInt(6);', { imports: 'import * as crypto from "node:crypto";' }),
      bad('random', 'return crypto.randomInt(6);', { imports: 'import crypto = require("node:crypto");' }),
      bad('random', 'return randomInt(6);', { imports: 'const { randomInt } = require("node:crypto");' }),
      bad('random', 'return uuid();', { name: 'uuid', imports: 'import { v4 as uuid } from "uuid";' }),
      bad('random', 'return nanoid();', { imports: 'import { nanoid } from "nanoid";' }),
      bad('random', 'return ulid();', { imports: 'import { ulid } from "ulid";' }),
      bad('random', 'return new Types.ObjectId();', { imports: 'import { Types } from "mongoose";' }),
      bad('random', 'await ctx.step.run(`mail:${Math.random()}`, () => mail());'),
    ],
  });
});

describe('the environment', () => {
  onTypeScript.run('no-nondeterminism-in-handler', rule, {
    valid: [
      good('await ctx.step.run("where", () => process.env.REGION);'),
      good('if (LIMIT > 3) return;', 'const LIMIT = Number(process.env.LIMIT);'),
      good('return process.env;', 'import { process } from "./process.js";'),
      good('return path.join(ctx.input.folder, "a");', 'import path from "node:path";'),
      good('return this.config.get("REGION");'),
    ],
    invalid: [
      bad('environment', 'return process.env.REGION;', { name: 'process.env' }),
      bad('environment', 'const { REGION } = process.env;'),
      bad('environment', 'return process["env"][ctx.input.name];'),
      bad('environment', 'return env.REGION + process.env.REGION;', { imports: 'import process, { env } from "node:process";' }),
      bad('environment', 'if (process.pid > 3) return;'),
      bad('environment', 'return process.cwd();'),
      bad('environment', 'return import.meta.env.REGION;'),
      bad('environment', 'return hostname();', { imports: 'import { hostname } from "node:os";' }),
      bad('environment', 'return os.hostname();', { imports: 'import os from "node:os";' }),
    ],
  });
});

describe('I/O', () => {
  onTypeScript.run('no-nondeterminism-in-handler', rule, {
    valid: [
      good('const page = await ctx.step.run("page", () => fetch(ctx.input.url));'),
      good('await ctx.step.run("page", async () => { const page = await fetch(ctx.input.url); await writeFile("a", page); });'),
      good('this.logger.log("once more"); ctx.logger.log("once more"); console.log("once more");'),
      good('await this.payments.charge(ctx.input); await this.fetch(ctx.input);'),
      good('return fetch(ctx.input);', 'import { fetch } from "./pure.js";'),
      good('if (isAxiosError(error) || axios.isCancel(error)) return;', 'import axios, { isAxiosError } from "axios";'),
      good('return isIP(ctx.input.address);', 'import { isIP } from "node:net";'),
      good('return STATUS_CODES[ctx.input.status];', 'import { STATUS_CODES } from "node:http";'),
      good('return readFile.length;', 'import { readFile } from "node:fs/promises";'),
      good('await this.once(ctx, "page", () => fetch(ctx.input.url));'),
      good('const get = () => fetch(ctx.input.url); await ctx.step.run("page", () => get());'),
      good('const get = () => fetch(ctx.input.url); await ctx.step.run("page", get);'),
      good('await ctx.step.run("a", () => book(), { compensate: () => fetch("/cancel") });'),
      good('await ctx.step.run("a", () => book(), { compensate: { run: () => fetch("/cancel"), timeout: "1m" } });'),
    ],
    invalid: [
      bad('io', 'await fetch(ctx.input.url);', { name: 'fetch' }),
      bad('io', 'await fetch(ctx.input.url).then((page) => ctx.step.run("a", () => page));'),
      bad('io', 'await readFile("a");', { imports: 'import { readFile } from "node:fs/promises";' }),
      bad('io', 'await fs.promises.readFile("a");', { imports: 'import fs from "node:fs";' }),
      bad('io', 'const { readFile } = await import("node:fs/promises"); await readFile("a");'),
      bad('io', 'await axios.post("/a", ctx.input);', { imports: 'import axios from "axios";' }),
      bad('io', 'await axios({ url: "/a" });', { imports: 'import axios from "axios";' }),
      bad('io', 'https.get("/a");', { imports: 'import * as https from "node:https";' }),
      bad('io', 'execSync("ls");', { imports: 'import { execSync } from "node:child_process";' }),
      bad('io', 'await dns.lookup("a");', { imports: 'import dns from "node:dns/promises";' }),
      bad('io', 'new WebSocket("/a");'),
      bad('io', 'const get = () => fetch("/a"); await get();'),
      bad('io', 'await Promise.all(ctx.input.lines.map(async (line) => { await fetch(line.url); }));'),
      bad('io', 'const pages = ctx.input.urls.map((url) => fetch(url)); return Promise.all(pages);'),
      bad('io', 'return (async () => { await fetch("/a"); })();'),
    ],
  });
});

describe('what the constructor injects', () => {
  const imports = `
    import { HttpService } from '@nestjs/axios'; import { Repository } from 'typeorm'; import { Queue } from 'bullmq';
    import { RedflowClient } from 'nestjs-redflow'; import { Payments } from './payments.js';`;
  const members = `
    constructor(private readonly http: HttpService, @InjectRepository(Order) private readonly orders: Repository<Order>,
      @InjectQueue('mail') private readonly mails: Queue, private readonly redflow: RedflowClient, private readonly payments: Payments) {}
    @Inject() readonly client: RedflowClient;`;
  const injected = (body: string) => `${imports}${workflow(body, members)}`;
  const found = (messageId: string, body: string) => ({ name: body, code: injected(body), errors: [{ messageId }] });
  const fine = (body: string) => ({ name: body, code: injected(body) });
  onTypeScript.run('no-nondeterminism-in-handler', rule, {
    valid: [
      fine('await this.payments.run(ctx.input); await this.payments.find();'),
      fine('await ctx.step.run("a", () => this.http.get("/a")); await ctx.step.run("b", () => this.orders.find());'),
      fine('const order = this.orders.create(ctx.input); this.orders.merge(order, ctx.input);'),
      fine(
        'await this.redflow.run("a", 1, { idempotencyKey: ctx.run.id }); await this.redflow.run("a", 1, { runId: ctx.run.id });',
      ),
      fine('await this.redflow.run("a", 1, options); await this.redflow.emitEvent("a", 1, { ...options });'),
      fine('const { http } = ctx.input; http.get("/a"); this.input.orders.find(); this.unknown.find();'),
    ],
    invalid: [
      found('io', 'await firstValueFrom(this.http.get("/a"));'),
      found('io', 'await this.http.axiosRef.post("/a");'),
      found('io', 'await this.orders.findOneBy({ id: ctx.input.id });'),
      found('io', 'await this.orders.save(ctx.input);'),
      found('io', 'await this.mails.add("welcome", ctx.input);'),
      found('io', 'await this.redflow.getRun(ctx.input.runId);'),
      found('client', 'await this.redflow.run("a", 1);'),
      found('client', 'await this.redflow.run("a", 1, { tags: {} });'),
      found('client', 'await this.client.emitEvent("paid", 1);'),
    ],
  });
});

describe('what is a handler', () => {
  const inClass = (text: string) => code(`@Injectable() export class Orders { ${text} }`);
  onTypeScript.run('no-nondeterminism-in-handler', rule, {
    valid: [
      {
        name: 'other methods of a workflow',
        code: workflow('await this.charge();', '@Step() async charge() { return Date.now(); }'),
      },
      {
        name: 'methods that nobody calls',
        code: workflow('return 1;', 'elsewhere() { return Date.now(); } field = Date.now();'),
      },
      {
        name: 'methods that steps call',
        code: workflow('await ctx.step.run("a", () => this.now());', 'now() { return Date.now(); }'),
      },
      { name: 'decorated methods', code: workflow('await this.now();', '@MyStep() async now() { return Date.now(); }') },
      { name: 'methods of other providers', code: inClass('async run() { return Date.now(); }') },
      { name: 'steps of other providers', code: inClass('@Step() async now() { return Date.now(); }') },
      {
        name: 'a method that is its own step',
        code: inClass('@Step() @OnEvent("paid") async thank(order, ctx) { return fetch("/a"); }'),
      },
      {
        name: 'the decorators of other packages',
        code: `import { OnEvent } from '@nestjs/event-emitter'; import { Workflow } from './workflow.js';
          @Workflow() class A { async run(ctx) { return Date.now(); } @OnEvent("a") b() { return Date.now(); } }`,
      },
      { name: 'options of decorators', code: inClass('@OnCron(process.env.CRON ?? "* * * * *") async tick(_, ctx) {}') },
      {
        name: 'handlers of other libraries',
        code: 'import { defineWorkflow } from "other"; defineWorkflow("a", { handler: () => Date.now() });',
      },
      {
        name: 'other options of a definition',
        code: code('defineWorkflow("a", { handler: (ctx) => 1, throttle: { key: () => Date.now() } });'),
      },
      { name: 'helpers of steps', code: code('const read = async (ctx: WorkflowContext) => fetch(ctx.input.url);') },
      {
        name: 'steps of helpers',
        code: code('const read = (ctx: WorkflowContext) => ctx.step.run("a", () => fetch(ctx.input.url));'),
      },
      {
        name: 'callers of handlers',
        code: code('const before = Date.now(); await run({ at: new Date(), id: crypto.randomUUID() });'),
      },
    ],
    invalid: [
      { code: workflow('await this.now();', 'private async now() { return Date.now(); }'), errors: [{ messageId: 'clock' }] },
      { code: workflow('await this.#now();', 'async #now() { return this.later(); } later() { return Date.now(); }'), errors: 1 },
      { code: `${workflow('return now();')} function now() { return Date.now(); }`, errors: 1 },
      { code: inClass('@OnEvent("order.paid") async thank(order, ctx) { return Date.now(); }'), errors: 1 },
      { code: inClass('@OnCron("* * * * *") async tick(_input, ctx) { return Date.now(); }'), errors: 1 },
      { code: workflow('return 1;', '@OnFailure() async tell({ step }: FailureContext) { return Date.now(); }'), errors: 1 },
      { code: code('defineWorkflow("a", { handler: async (ctx) => Date.now() });'), errors: 1 },
      { code: code('defineWorkflow("a", { async handler(ctx) { return Date.now(); } });'), errors: 1 },
      { code: code('async function handler(ctx) { return Date.now(); } defineWorkflow("a", { handler });'), errors: 1 },
      { code: code('defineWorkflow("a", { handler: () => 1, onFailure: async () => { await fetch("/a"); } });'), errors: 1 },
      {
        code: code('async function pay(ctx: WorkflowContext) { await ctx.step.run("a", () => 1); return Date.now(); }'),
        errors: [{ messageId: 'clock' }],
      },
      {
        code: code(
          'async function pay({ step }: WorkflowContext) { await Promise.all(ids.map((id) => step.run(id, () => 1))); return Date.now(); }',
        ),
        errors: [{ messageId: 'clock' }],
      },
      {
        name: 'under another name',
        code: `import { Workflow as Durable } from 'nestjs-redflow'; @Durable class A { async run() { return Date.now(); } }`,
        errors: 1,
      },
      {
        name: 'by the name of the package',
        code: `import * as redflow from 'nestjs-redflow'; @redflow.Workflow() class A { async run() { return Date.now(); } }`,
        errors: 1,
      },
    ],
  });
});

describe('JavaScript', () => {
  onJavaScript.run('no-nondeterminism-in-handler', rule, {
    valid: [
      'import { defineWorkflow } from "nestjs-redflow/engine"; defineWorkflow("a", { handler: (ctx) => ctx.step.run("a", () => Date.now()) });',
    ],
    invalid: [
      {
        code: 'import { defineWorkflow } from "nestjs-redflow/engine"; defineWorkflow("a", { handler: async (ctx) => Date.now() });',
        errors: [{ messageId: 'clock' }],
      },
      {
        code: 'const { defineWorkflow } = require("nestjs-redflow/engine"); defineWorkflow("a", { handler: async (ctx) => Date.now() });',
        errors: [{ messageId: 'clock' }],
      },
    ],
  });
});
