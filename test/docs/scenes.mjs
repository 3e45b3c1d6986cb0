// What the blocks of a page find around them when they are run: `values` of the names that the page's preamble declares, `input` of the run
// that `ctx` belongs to and `stepOverrides` for it, as of runInline(); `env`; what the module of its providers `imports`. `after` looks at what a
// block has exported, `end` is called once they have all run. What is `onlyImported` is not booted.
import 'reflect-metadata';
import { TerminusModule } from '@nestjs/terminus';
import { Workflow } from 'nestjs-redflow';
import { createRegistry, defineWorkflow, startWorker } from 'nestjs-redflow/engine';

const nothing = async () => {};
const define = (name, options = {}) => defineWorkflow(name, { handler: () => ({ receipt: 'r1' }), ...options });

/** A class as a page declares it. */
const workflowClass = (name, run) => {
  class Declared {}
  Declared.prototype.run = run;
  Workflow(name)(Declared);
  return Declared;
};

export const scenes = {
  'docs/recipes/cancellation.md': async (client) => ({
    values: { runId: (await client.run(define('order'), null)).id },
    input: { url: 'data:text/plain,a page' },
  }),
  'docs/recipes/children.md': () => ({
    values: { orderId: 'o1', ReceiptWorkflow: workflowClass('receipt', async () => ({ pdf: 'r.pdf' })) },
  }),
  'docs/recipes/codec.md': () => ({
    env: { PAYLOAD_KEY: Buffer.alloc(32).toString('base64') },
    after: async ({ client }) => {
      const [{ id }] = await client.emitEvent('letter', 'Ada').then(async () => (await client.listEvents()).items);
      if ((await client.getEvent(id)).data !== 'Ada') throw new Error('What was encoded is not what was decoded.');
      await client.close();
    },
  }),
  'docs/recipes/compensation.md': () => ({
    values: {
      seats: { book: async () => ({ seat: '1A' }), cancel: nothing },
      payments: { charge: async () => ({ id: 'c1' }), find: async () => null, refund: nothing },
      mailer: { send: nothing },
    },
    input: { flight: 'RF1' },
  }),
  // Sentinels and a server at fixed addresses.
  'docs/recipes/high-availability.md': () => ({ onlyImported: true }),
  // Two servers at fixed addresses.
  'docs/recipes/connections.md': () => ({ onlyImported: true }),
  'docs/recipes/deploys.md': async (client) => {
    const versions = [
      define('order', { version: '1', registry: createRegistry() }),
      define('order', { version: '2', current: true, registry: createRegistry() }),
    ];
    const worker = await startWorker({ workflows: versions });
    const former = await startWorker({ workflows: [define('old-report', { registry: createRegistry() })] });
    await former.stop();
    const canceled = await client.runByName('order', null, { runAt: '1h' });
    await canceled.cancel();
    return {
      values: { fraud: { check: nothing }, payments: { charge: nothing }, runId: canceled.id },
      input: { id: 'o1', cents: 100 },
      end: () => worker.stop(),
    };
  },
  'docs/recipes/events.md': () => ({ values: { track: nothing }, input: { orderId: 'o1' } }),
  // Its workers are those of BullMQ.
  'docs/recipes/from-bullmq.md': () => ({ onlyImported: true }),
  'docs/recipes/health.md': () => ({ imports: [TerminusModule] }),
  'docs/recipes/idempotency.md': () => {
    define('fulfil-order');
    const order = { orderId: 'o1', cents: 100 };
    return { values: { order, fetch: async () => ({ status: 201 }) }, input: order };
  },
  'docs/recipes/limits.md': () => ({ values: { write: nothing } }),
  // An API pod: the workflow that it configures is not on the page.
  'docs/recipes/nest-triggers.md': () => ({ env: { ROLE: 'api' } }),
  'docs/recipes/queries.md': async (client) => {
    const order = define('order');
    const worker = await startWorker({ workflows: [order] });
    const handle = await client.run(order, null);
    await handle.result();
    const canceled = await client.run(order, null, { runAt: '1h' });
    await canceled.cancel();
    return { values: { handle, runId: canceled.id }, end: () => worker.stop() };
  },
  'docs/recipes/errors.md': () => ({
    values: { bank: { charge: async () => ({ status: 'declined', reason: 'no funds' }) } },
  }),
  'docs/recipes/retries.md': () => ({
    values: { fulfil: nothing, charge: async () => ({ status: 200 }), support: { notify: nothing } },
    input: { id: 'o1' },
  }),
  'docs/recipes/schedules.md': async () => {
    const cron = [{ id: 'morning', expression: '0 9 * * 1-5' }];
    const worker = await startWorker({ workflows: [define('daily-report', { cron, registry: createRegistry() })] });
    return { values: { sendReport: nothing }, end: () => worker.stop() };
  },
  'docs/recipes/sleeps.md': () => {
    define('remind');
    return { values: { order: { id: 'o1' } }, input: { dueAt: '2030-01-01T00:00:00Z' } };
  },
  'docs/recipes/steps.md': () => ({
    values: {
      payments: { charge: async () => ({ receipt: 'r1' }) },
      stock: { reserve: nothing },
      pages: [{ id: 'p1' }, { id: 'p2' }],
      Transactional: () => () => undefined,
      importPage: nothing,
    },
    input: { id: 'o1', cents: 100, lines: [{ id: 'l1' }, { id: 'l2' }] },
  }),
  'docs/recipes/webhooks.md': () => ({
    values: { orderId: 'o1' },
    input: { orderId: 'o1' },
    stepOverrides: { settled: { winner: 'expired', value: undefined } },
  }),
};
