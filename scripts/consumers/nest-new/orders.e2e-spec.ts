import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Test } from '@nestjs/testing';
import { RedflowClient } from 'nestjs-redflow';
import { RedflowTestBed, RedflowTestingModule } from 'nestjs-redflow/testing';
import { FulfilOrder, OrdersModule } from '../src/orders.js';

const LIMIT_MS = 60_000;

async function start() {
  const imports = [OrdersModule, RedflowTestingModule.forApp({ url: process.env.REDIS_URL })];
  const app = (await Test.createTestingModule({ imports }).compile()).createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

it(
  'fulfils an order, two weeks later',
  async () => {
    const app = await start();
    const handle = await app.get(RedflowClient).run(FulfilOrder, 'ord_1');
    await app.get(RedflowTestBed).advance('14d');
    expect(await handle.result()).toBe('receipt for ord_1');
    await app.close();
  },
  LIMIT_MS,
);

it(
  'closes though a request waits for a run',
  async () => {
    const app = await start();
    const { port } = app.getHttpServer().address() as AddressInfo;
    const agent = new Agent({ keepAlive: true });
    const status = new Promise((resolve, reject) => {
      const sent = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/orders/ord_2' }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      sent.on('error', reject).end();
    });
    while ((await app.get(RedflowClient).getRun('ord_2'))?.status !== 'waiting');
    await app.close();
    expect(await status).toBe(500);
    agent.destroy();
  },
  LIMIT_MS,
);
