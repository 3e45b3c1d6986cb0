import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { RedflowClient } from 'nestjs-redflow';

export interface Digest {
  id: string;
  at: string;
  text: string;
}

/** The digests that the schedule has made. */
@Controller('digests')
export class DigestsController {
  constructor(private readonly redflow: RedflowClient) {}

  /** The newest ten that are done. */
  @Get()
  async list(): Promise<Digest[]> {
    const { items } = await this.redflow.listRuns({ workflow: 'digest', status: 'succeeded', limit: 10 });
    return items.map(({ id, createdAt, output }) => ({ id, at: new Date(createdAt).toISOString(), text: String(output) }));
  }

  /** One more, without waiting for the minute. */
  @Post()
  @HttpCode(202)
  async trigger(): Promise<{ id: string }> {
    const { id } = await this.redflow.triggerSchedule('digest');
    return { id };
  }
}
