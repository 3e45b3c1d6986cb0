import { ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WorkerModule } from './worker.module.js';

// Ctrl-C in a terminal reaches this process too; main.ts decides when it ends, and sends SIGTERM.
process.on('SIGINT', () => {});
// If main.ts died there is nobody left to work for. Whatever runs here would be recovered by the next worker.
process.on('disconnect', () => process.exit());

// What the log says (an attempt failed, a run was recovered) would repeat the tour; keep it in an application of yours.
const worker = await NestFactory.createApplicationContext(WorkerModule, { logger: ['fatal'] });
// On SIGTERM the worker finishes the steps at hand and gives the rest back to the queue.
worker.enableShutdownHooks([ShutdownSignal.SIGTERM], { useProcessExit: true });
process.send?.('ready');
