import { Module } from '@nestjs/common';
import { RedflowModule } from 'nestjs-redflow';
import { DigestsController } from './orders/digests.controller.js';
import { OrdersController } from './orders/orders.controller.js';
import { WebhooksController } from './orders/webhooks.controller.js';
import { OutsideModule } from './outside/outside.module.js';

/** The HTTP side: it starts runs and reads them. Redis is that of `REDIS_URL`. */
@Module({
  imports: [RedflowModule.forRoot({ worker: false }), OutsideModule],
  controllers: [OrdersController, WebhooksController, DigestsController],
})
export class ApiModule {}
