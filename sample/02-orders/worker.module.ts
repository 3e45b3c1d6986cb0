import { Module } from '@nestjs/common';
import { RedflowModule } from 'nestjs-redflow';
import { DigestProvider } from './orders/digest.provider.js';
import { FulfilOrder } from './orders/fulfil-order.workflow.js';
import { WriteReceipt } from './orders/write-receipt.workflow.js';
import { OutsideModule } from './outside/outside.module.js';

/** The side that executes runs. */
@Module({
  imports: [
    RedflowModule.forRoot({
      // Short, so that you need not wait long for a recovery. Leave out both in production: with the default lease of 30 s a
      // worker that is merely slow, or paused by its host, keeps its runs.
      worker: { leaseMs: 2_000, reaperIntervalMs: 500, shutdownTimeoutMs: 5_000 },
    }),
    OutsideModule,
  ],
  providers: [FulfilOrder, WriteReceipt, DigestProvider],
})
export class WorkerModule {}
