import { Body, Controller, HttpCode, Param, Post, UseFilters, ValidationPipe } from '@nestjs/common';
import { IsString, Length } from 'class-validator';
import { RedflowClient } from 'nestjs-redflow';
import { orderApproved, paymentReceived } from './order.events.js';
import { RedflowErrorFilter } from './redflow-error.filter.js';

class Approval {
  @IsString()
  @Length(1, 64)
  by!: string;
}

class Transfer {
  @IsString()
  @Length(1, 64)
  reference!: string;
}

const validated = new ValidationPipe({ transform: true, whitelist: true });

/** What the outside world tells about an order. The event id makes a webhook that is delivered twice count once. */
@Controller('orders/:id')
@UseFilters(RedflowErrorFilter)
export class WebhooksController {
  constructor(private readonly redflow: RedflowClient) {}

  @Post('approval')
  @HttpCode(202)
  async approve(@Param('id') id: string, @Body(validated) { by }: Approval): Promise<{ resumed: boolean }> {
    const { event } = await this.redflow.emitEventDetailed(
      orderApproved,
      { by },
      { correlationKey: id, eventId: `approval:${id}` },
    );
    return { resumed: event.resumedRunCount > 0 };
  }

  @Post('payment')
  @HttpCode(202)
  async pay(@Param('id') id: string, @Body(validated) { reference }: Transfer): Promise<{ resumed: boolean }> {
    const eventId = `payment:${id}:${reference}`;
    const { event } = await this.redflow.emitEventDetailed(paymentReceived, { reference }, { correlationKey: id, eventId });
    return { resumed: event.resumedRunCount > 0 };
  }
}
