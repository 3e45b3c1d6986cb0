import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compile } from '../support/doc-blocks.js';
import { docstringExamples, examplesOf, importAll } from '../support/docstring-examples.js';

/** What the application around the examples has: all of this library, what they use of others, and some things of its own. */
const APPLICATION = `
import { type CanActivate, Controller, type ExecutionContext, Get, Injectable, Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { expect } from '@jest/globals';
${importAll('nestjs-redflow', 'lib/index.ts')}
${importAll('nestjs-redflow/testing', 'lib/testing/index.ts')}
interface Order { id: string; total: number; customer: string }
interface Charge { id: string }
declare class CreateOrder { id: string }
declare class OrdersModule {}
declare class ReminderWorkflow { run(ctx: WorkflowContext<Order>): Promise<string> }
declare class CheckoutWorkflow { constructor(payments: PaymentService); run(ctx: WorkflowContext<{ orderId: string }>): Promise<{ chargeId: string }> }
declare class PaymentService { charge(order: { id: string }, options?: { idempotencyKey?: string | undefined }): Promise<Charge> }
declare class Mailer { send(address: string, options: { idempotencyKey: string }): Promise<void>; thank(customer: string): Promise<void> }
declare class SupportDesk { open(subject: string, text: string): Promise<void> }
declare class ReportSender { send(region: string, instant?: number): Promise<void> }
declare const orders: WorkflowDefinition, order: Order, payments: PaymentService, mailer: Mailer, bed: RedflowTestBed;
declare const users: { find(id: string): Promise<{ email: string }> }, ctx: WorkflowContext<Order>, client: RedflowClient;
`;

const MISTAKE = `
/**
 * Purpose.
 *
 * @example
 * const handle = await client.run('order');
 * @returns nothing
 */
`;

const examples = docstringExamples(APPLICATION);
const mistakes = examplesOf('mistake.ts', MISTAKE, APPLICATION);

// In the package, so that its name and its dependencies resolve.
mkdirSync('.redflow', { recursive: true });
const folder = mkdtempSync(resolve('.redflow/docstrings-'));
let errors: string[] = [];

beforeAll(async () => {
  errors = await compile([...examples, ...mistakes], folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the examples in docstrings', () => {
  it('compile', () => {
    expect(errors.filter((error) => !error.startsWith('mistake.ts'))).toEqual([]);
  });

  it('are whole: nothing is left out', () => {
    expect(examples.filter(({ code }) => code.includes('…')).map(({ page, line }) => `${page}:${line}`)).toEqual([]);
  });

  it('are found, fenced or not', () => {
    const pages = examples.map(({ page }) => page);
    expect(pages).toEqual(
      expect.arrayContaining(['lib/decorators/workflow.decorator.ts', 'lib/engine/core/errors/retry.errors.ts']),
    );
  });

  it('are told with file and line where they are wrong', () => {
    const told = errors.filter((error) => error.startsWith('mistake.ts'));
    expect(told).toEqual([expect.stringMatching(/^mistake\.ts:6: TS2554: Expected 2-3 arguments/)]);
  });
});
