import type { EmitOptions, EventRecord } from '../core/api/client.types.js';
import type { EventRef } from '../core/api/event.types.js';
import type { CreationHost } from '../creation/creation-host.js';
import { emitIntercepted } from '../creation/intercepted-creation.js';
import { prepareEvent } from '../creation/prepare-event.js';
import { continueEvent } from '../redis/events/continue-event.js';
import { emitEvent, type NewEvent } from '../redis/events/emit-event.js';
import { readEvent } from '../redis/events/read-event.js';
import type { WriteBuffer } from '../redis/script/write-buffer.js';
import { warnOutsideSteps } from './outside-steps.js';
import type { PendingCalls } from './pending-calls.js';

interface Published {
  readonly event: EventRecord;
  readonly deduplicated: boolean;
}

/** Emits events: everything is checked before anything is written. */
export class EventPublisher {
  constructor(
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
    private readonly host: CreationHost,
  ) {}

  /** Resolves when every subscriber's run is created and every wait that matched is resumed. */
  emit(ref: EventRef, data: unknown, options: EmitOptions): Promise<Published> {
    return this.pending.track(async () => {
      const prepared = await prepareEvent(ref, data, options, this.host);
      const call = `the client to emit "${prepared.name}"`;
      warnOutsideSteps({ call, instead: 'ctx.step.emitEvent()', key: 'an eventId' }, options.eventId !== undefined);
      return emitIntercepted(this.host, prepared, 'client', (event) => this.write(event));
    });
  }

  private async write(prepared: NewEvent): Promise<Published> {
    // In one call: what most events need is done by the first.
    const [{ status, more }, early] = await Promise.all([
      this.buffer.add(emitEvent(prepared)),
      this.buffer.add(readEvent(prepared.id)),
    ]);
    if (more) while (await this.buffer.add(continueEvent(prepared.id)));
    const event = more ? await this.buffer.add(readEvent(prepared.id)) : early;
    // Gone already only where the retention is shorter than a call.
    if (!event) throw new Error(`Event "${prepared.id}" was deleted by retention while it was emitted.`);
    return { event, deduplicated: status === 'EXISTS' };
  }
}
