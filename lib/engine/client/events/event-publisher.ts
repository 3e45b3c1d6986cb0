import type { EmitOptions, EventRecord } from '../../core/api/client.types.js';
import type { EventRef } from '../../core/api/event.types.js';
import { subscriberRunIdOf } from '../../core/ids.js';
import type { CreationContext } from '../../creation/creation-context.js';
import { emitIntercepted } from '../../creation/intercepted-creation.js';
import { prepareEvent } from '../../creation/prepare-event.js';
import { continueEvent } from '../../redis/events/continue-event.js';
import { emitEvent, type NewEvent } from '../../redis/events/emit-event.js';
import { readEvent } from '../../redis/events/read-event.js';
import type { WriteBuffer } from '../../redis/script/write-buffer.js';
import { warnOutsideSteps } from '../outside-steps.js';
import type { PendingCalls } from '../pending-calls.js';
import type { CreatedRun } from '../runs/run-creator.js';

interface Published {
  readonly event: EventRecord;
  readonly deduplicated: boolean;
  /** The runs of its subscribers. */
  readonly created: readonly CreatedRun[];
}

/** Emits events: everything is checked before anything is written. */
export class EventPublisher {
  constructor(
    private readonly buffer: WriteBuffer,
    private readonly pending: PendingCalls,
    private readonly context: CreationContext,
  ) {}

  /** Resolves when every subscriber's run is created and every wait that matched is resumed. */
  emit(ref: EventRef, data: unknown, options: EmitOptions): Promise<Published> {
    return this.pending.track(async () => {
      const prepared = await prepareEvent(ref, data, options, this.context);
      const call = `the client to emit "${prepared.name}"`;
      warnOutsideSteps({ call, instead: 'ctx.step.emitEvent()', key: 'an eventId' }, options.eventId !== undefined);
      return emitIntercepted(this.context, prepared, 'client', (event) => this.write(event));
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
    const deduplicated = status === 'EXISTS';
    return { event, deduplicated, created: createdRuns(event, deduplicated) };
  }
}

function createdRuns({ id, deliveries }: EventRecord, deduplicated: boolean): CreatedRun[] {
  const delivered = deliveries.filter(({ status }) => status === 'delivered');
  return delivered.map(({ workflow, runId }) => {
    const isJoined = runId !== subscriberRunIdOf(id, workflow);
    return { id: runId as string, deduplicated: deduplicated || isJoined };
  });
}
