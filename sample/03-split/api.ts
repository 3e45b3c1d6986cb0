import type { AddressInfo } from 'node:net';
import { Module, ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedflowModule } from 'nestjs-redflow';
import { JobsController } from './jobs.controller.js';
import { tieToStarter } from './tie-to-starter.js';

/** The API process: it starts runs and executes none. Redis is that of `REDIS_URL`. */
@Module({
  imports: [RedflowModule.forRoot({ worker: false })],
  controllers: [JobsController],
})
class ApiModule {}

tieToStarter();
const app = await NestFactory.create(ApiModule, { logger: ['warn', 'error'], forceCloseConnections: true });
app.enableShutdownHooks([ShutdownSignal.SIGTERM], { useProcessExit: true });
await app.listen(Number(process.env.PORT || 0), '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;
process.send?.(`http://127.0.0.1:${port}`);
