import { Module } from '@nestjs/common';
import { RedflowWorkers } from './redflow.workers.js';

/** One per application, whatever the number of connections: what starts and drains their workers. */
@Module({ providers: [RedflowWorkers], exports: [RedflowWorkers] })
export class RedflowWorkersModule {}
