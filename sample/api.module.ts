import { Module } from '@nestjs/common';
import { RedflowModule } from 'nestjs-redflow';
import { OrdersController } from './orders/orders.controller.js';
import { OutsideModule } from './outside/outside.module.js';

/** The HTTP side: it starts runs and reads them. Redis is that of `REDIS_URL`. */
@Module({
  imports: [RedflowModule.forRoot({ worker: false }), OutsideModule],
  controllers: [OrdersController],
})
export class ApiModule {}
