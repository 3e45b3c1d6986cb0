import { Module } from '@nestjs/common';
import { AnalyticsProvider } from './analytics.provider.js';
import { Ledger } from './ledger.js';
import { MailProvider } from './mail.provider.js';
import { PaymentProvider } from './payment.provider.js';
import { ShippingProvider } from './shipping.provider.js';
import { WarehouseProvider } from './warehouse.provider.js';

/** The systems that this application does not own. */
@Module({
  providers: [Ledger, PaymentProvider, WarehouseProvider, ShippingProvider, MailProvider, AnalyticsProvider],
  exports: [Ledger, PaymentProvider, WarehouseProvider, ShippingProvider, MailProvider],
})
export class OutsideModule {}
