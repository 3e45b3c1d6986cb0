import { Module, ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedflowModule } from 'nestjs-redflow';
import { SendMail } from './jobs/send-mail.workflow.js';
import { WriteReport } from './jobs/write-report.workflow.js';
import { tieToStarter } from './tie-to-starter.js';

/** `node worker.js mail` serves the queue `mail`. All workers have the same code; the argument is what tells them apart. */
const queues = process.argv.slice(2);

@Module({
  imports: [
    RedflowModule.forRoot({
      // Leases are short so that you need not wait long for a recovery. Leave both out in production.
      worker: { queues, leaseMs: 2_000, reaperIntervalMs: 500 },
    }),
  ],
  providers: [SendMail, WriteReport],
})
class WorkerModule {}

tieToStarter();
// There is no HTTP in a worker. On SIGTERM it finishes the steps at hand and gives the rest back to the queue.
const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['error'] });
app.enableShutdownHooks([ShutdownSignal.SIGTERM], { useProcessExit: true });
process.send?.(`serves ${queues.join(', ')}`);
