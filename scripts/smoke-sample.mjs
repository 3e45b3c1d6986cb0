// Runs the samples as a visitor would: all three to their end, and the one of `npm start` once more, to use it and to end it with SIGTERM.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const RUN_LIMIT_MS = 180_000;
const END_LIMIT_MS = 30_000;
/** npm, Nest's starter, the application and Redis. */
const MIN_PROCESSES = 4;
const ORDER = { customer: 'smoke@example.com', sku: 'teapot', quantity: 1, amountCents: 4_900 };

await runsToItsEnd('sample:quickstart', {
  busyAt: /create account: +executed/,
  tells: [/(?:run\(\): +from the top.*){2}/s, /send mail: +executed/, /result: +\{"account":"account-1"/, /sleep ".*" succeeded/],
});
await runsToItsEnd('start', {
  env: { PORT: '0', REDFLOW_SAMPLE_EXIT: '1' },
  busyAt: / died: SIGKILL/,
  tells: [
    /another worker takes over/,
    /: already charged/,
    /Attempt 3 follows/,
    /the same order/,
    /answered with 429: .*rateLimit of 8/,
    /approval: waits for an event, parked/,
    /a manager approves it/,
    /payment: waits for an event or the time, parked/,
    /the transfer comes/,
    /succeeded: expired: the transfer did not come/,
    /receipt: done/,
    /analytics: revenue tracked/,
    /mail: order confirmed/,
    /compensate:reserve stock: done/,
    /: refunded/,
    /mail: apology/,
    /digest +8 orders in the last minute/,
    /Every order came out as it should/,
  ],
});
await runsToItsEnd('sample:split', {
  busyAt: /202 (running|queued)/,
  tells: [
    /200 succeeded \{"month":"2026-10",.*"writtenBy":"report worker"/,
    /400 Input of workflow "write-report" is invalid: month/,
    /mail worker 1 +killed by SIGKILL.*200 succeeded \{"month":"2026-11".*202 queued.*mail worker 2 +serves mail/s,
    /200 succeeded \{"to":"ada@example.com","renderedBy":"mail worker 1","deliveredBy":"mail worker 2"\}/,
    /200 succeeded \{"to":"grace@example.com"/,
    /all processes have ended/,
  ],
});
await visitorIsServed();
process.stdout.write('The samples work: they tell what they should, serve visitors and leave no process behind.\n');

/** Takes its processes when it is busy, and expects that they are gone in the end. */
async function runsToItsEnd(script, { env = {}, busyAt, tells }) {
  const sample = start(script, env);
  try {
    await within(RUN_LIMIT_MS, sample.saw(busyAt), `the start of ${script}`, sample);
    const found = descendantsOf(sample.pid);
    check(found.length >= MIN_PROCESSES, `${script} has ${found.length} processes, Redis cannot be among them`, sample);
    const code = await within(RUN_LIMIT_MS, sample.ended, script, sample);
    check(code === 0, `${script} ended with exit code ${code}`, sample);
    for (const line of tells) check(line.test(sample.output()), `the account of ${script} lacks ${line}`, sample);
    await allGone(found, sample);
  } finally {
    sample.kill('SIGKILL');
  }
}

async function visitorIsServed() {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const { port } = squatter.address();
  const sample = start('start', { PORT: String(port) });
  try {
    const url = await within(RUN_LIMIT_MS, sample.saw(/curl (http:\S+)\/orders$/m), 'the invitation', sample);
    check(sample.output().includes(`port ${port} is taken`), 'the account does not say that the port was taken', sample);
    await visit(url, sample);
    const processes = descendantsOf(sample.pid);
    check(processes.length >= 4, `expected main, two workers and Redis to run, found ${processes.length} processes`, sample);
    sample.kill('SIGTERM');
    const code = await within(END_LIMIT_MS, sample.ended, 'the end after SIGTERM', sample);
    check(code === 0, `SIGTERM ended the sample with ${code}`, sample);
    await allGone(processes, sample);
  } finally {
    squatter.close();
    sample.kill('SIGKILL');
  }
}

async function visit(url, sample) {
  const orders = await (await fetch(`${url}/orders`)).json();
  check(orders.length === 8, `GET /orders listed ${orders.length} orders, expected the 8 of the tour`, sample);
  const order = await (await fetch(`${url}/orders/${orders.at(-1).id}`)).json();
  check(order.steps.length === 6 && order.bank.charges === 1, `GET /orders/:id answered ${JSON.stringify(order)}`, sample);
  const digests = await (await fetch(`${url}/digests`)).json();
  check(digests.length >= 1, `GET /digests listed ${digests.length} digests`, sample);
  const missing = await fetch(`${url}/orders/none`);
  check(missing.status === 404, `GET of an unknown order answered ${missing.status}`, sample);
  const refused = await place(url, { ...ORDER, quantity: 0 });
  const { issues } = await refused.json();
  check(
    refused.status === 400 && issues?.[0]?.path === 'quantity',
    `POST of a bad order answered ${refused.status} with the issues ${JSON.stringify(issues)}`,
    sample,
  );
  const first = await place(url, ORDER, 'smoke');
  const second = await place(url, { ...ORDER, quantity: 2 }, 'smoke');
  check(
    first.status === 202 && second.status === 409,
    `POSTs with one key answered ${first.status} and ${second.status}`,
    sample,
  );
  const { id } = await (await place(url, { ...ORDER, payBy: 'transfer' })).json();
  const webhook = await post(`${url}/orders/${id}/payment`, { reference: 'smoke' });
  check(webhook.status === 202, `POST of a payment answered ${webhook.status}`, sample);
  const empty = await post(`${url}/orders/${id}/payment`, {});
  check(empty.status === 400, `POST of a payment without reference answered ${empty.status}`, sample);
}

function place(url, order, key) {
  const headers = { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) };
  return fetch(`${url}/orders`, { method: 'POST', headers, body: JSON.stringify(order) });
}

function post(url, body) {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

/** A script of npm's, without the visitor's Redis, so that the private one is tested. */
function start(script, env) {
  const { REDIS_URL: _, ...rest } = process.env;
  const child = spawn('npm', ['run', script], { env: { ...rest, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const listeners = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  const saw = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output);
        if (match) resolve(match[1]);
      };
      listeners.add(look);
      look();
      ended.then((code) => reject(new Error(`npm run ${script} ended with ${code} before it printed ${pattern}\n${output}`)));
    });
  return { pid: child.pid, ended, saw, output: () => output, kill: (signal) => child.kill(signal) };
}

async function within(limitMs, promise, what, sample) {
  const limit = new AbortController();
  const expired = delay(limitMs, undefined, { signal: limit.signal }).then(() =>
    fail(`${what} took more than ${limitMs} ms`, sample),
  );
  try {
    return await Promise.race([promise, expired]);
  } finally {
    limit.abort();
    expired.catch(() => {});
  }
}

async function allGone(pids, sample) {
  const deadline = performance.now() + END_LIMIT_MS;
  while (pids.some(isAlive)) {
    const left = pids.filter(isAlive);
    if (performance.now() > deadline) fail(`processes were left behind: ${left.map(describe).join('; ')}`, sample);
    await delay(50);
  }
}

/** All processes below one. Reads /proc, because a bare Debian has no ps; elsewhere there is nothing to look at. */
function descendantsOf(root) {
  if (!existsSync('/proc/self/stat')) return [root, root, root, root];
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), statOf(Number(name))?.parent]),
  );
  const found = [root];
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

function isAlive(pid) {
  if (!existsSync('/proc/self/stat')) return false;
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z';
}

function statOf(pid) {
  try {
    // "pid (name) state parent …", where the name may hold anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined; // It has ended.
  }
}

function describe(pid) {
  return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
}

function check(isFine, problem, sample) {
  if (!isFine) fail(problem, sample);
}

function fail(problem, sample) {
  throw new Error(`Sample: ${problem}.\n${sample.output()}`);
}
