import { Test } from '@nestjs/testing';
import { runInline } from 'nestjs-redflow/testing';
import { FulfilOrder, Payments } from './orders.js';

it('fulfils an order, inline', async () => {
  const module = await Test.createTestingModule({ providers: [FulfilOrder, Payments] }).compile();
  const result = await runInline(module.get(FulfilOrder), { input: 'ord_1' });
  expect(result.error).toBeUndefined();
  expect(result.output).toBe('receipt for ord_1');
});
