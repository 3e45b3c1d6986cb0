import { NestFactory } from '@nestjs/core';
import { RedflowError } from 'nestjs-redflow';
import { TestRedisError } from 'nestjs-redflow/testing';
import { ApiModule } from './api.module.js';
import { findPort, prepareEnvironment } from './environment.js';
import { Shutdown } from './shutdown.js';
import { Narrator } from './tour/narrator.js';
import { OrdersApi } from './tour/orders-api.js';
import { Tour } from './tour/tour.js';
import { watchDigests } from './tour/watch-digests.js';
import { WorkerFleet } from './worker-fleet.js';

const HOST = '127.0.0.1';
const narrator = new Narrator();
const shutdown = new Shutdown();

/** This process serves HTTP and executes no runs; two worker processes do. In production these are separate deployments. */
async function main(): Promise<void> {
  await prepareEnvironment(narrator, shutdown);
  const url = await serve();
  const workers = new WorkerFleet(narrator);
  shutdown.add(() => workers.stop());
  await workers.start(2);
  const api = new OrdersApi(url, shutdown.signal);
  const { orderIds, ok } = await new Tour(api, narrator).run();
  if (process.env.REDFLOW_SAMPLE_EXIT === '1') {
    process.exitCode = ok ? 0 : 1;
    await shutdown.run();
  } else {
    narrator.print(invitation(url, orderIds));
    await watchDigests(api, narrator);
  }
}

async function serve(): Promise<string> {
  const app = await NestFactory.create(ApiModule, { logger: ['warn', 'error'], forceCloseConnections: true });
  shutdown.add(() => app.close());
  const wanted = Number(process.env.PORT || 3_000);
  const port = await findPort(wanted);
  await app.listen(port, HOST);
  const url = `http://${HOST}:${port}`;
  narrator.say('http', port === wanted || wanted === 0 ? url : `${url} (port ${wanted} is taken; PORT chooses another one)`);
  return url;
}

function invitation(url: string, orderIds: string[]): string {
  const order = (extra = '') => `'{"customer":"you@example.com","sku":"teapot","quantity":1,"amountCents":4900${extra}}'`;
  const post = `curl -X POST ${url}/orders -H 'content-type: application/json'`;
  return `
The application stays up; Ctrl-C ends it. Try:

  curl ${url}/orders
  curl ${url}/orders/${orderIds[1]}
  ${post} -d ${order()}
  ${post} -d ${order(',"simulate":"worker-crash"')}
  ${post} -d ${order(',"payBy":"transfer"')}
  curl -X POST ${url}/orders/<id>/payment -H 'content-type: application/json' -d '{"reference":"mine"}'

Every minute a digest appears here.
`;
}

// `npm start | head`: a reader that has gone is no reason to die without cleaning up.
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (!shutdown.signal.aborted) narrator.say('main', `${signal}: shutting down`);
    await shutdown.run();
    process.exit(0);
  });
}

try {
  await main();
} catch (error) {
  // A shutdown in the middle of the tour cuts its requests off; that is no failure.
  if (!shutdown.signal.aborted) {
    process.exitCode = 1;
    // Errors of redflow say what to do; a stack would only hide it.
    const known = error instanceof RedflowError || error instanceof TestRedisError;
    process.stderr.write(`${known ? error.message : (error as Error).stack}\n`);
  }
  await shutdown.run();
}
