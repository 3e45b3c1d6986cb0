import type { EventRef, ReceivedEvent } from '../../core/api/event.types.js';
import type { StepEmitOptions, WaitForEvent } from '../../core/api/workflow.types.js';
import { rejectUnknownKeys } from '../../core/checks/checks.js';
import { describeValue } from '../../core/checks/describe-value.js';
import { parseDuration } from '../../core/checks/duration.js';
import { checkCorrelationKey } from '../../core/checks/text-checks.js';
import { InvalidOptionError } from '../../core/errors/index.js';
import { stepEventIdOf } from '../../core/ids.js';
import { decodePayload } from '../../core/payload/payload.js';
import { resolveEvent } from '../../core/workflows/event-names.js';
import { emitIntercepted } from '../../creation/intercepted-creation.js';
import { prepareEvent } from '../../creation/prepare-event.js';
import { NO_EVENT, parseEventOutcome } from '../../redis/steps/stored-outcome.js';
import type { EventWait } from '../../redis/waits/await-event.js';
import { startUnlessRefused } from './refused-steps.js';
import type { RemoteWaits } from './remote-waits.js';
import type { StepLedger } from './step-ledger.js';

const EMIT_OPTIONS = ['eventId', 'correlationKey'] as const satisfies ReadonlyArray<keyof StepEmitOptions>;

/** Steps that wait for events, and those that emit them: `ctx.step.waitForEvent` and `ctx.step.emitEvent`. */
export class EventSteps {
  constructor(
    private readonly ledger: StepLedger,
    private readonly remote: RemoteWaits,
  ) {}

  waitFor<T>(name: string, given: WaitForEvent<T>): Promise<ReceivedEvent<T> | null> {
    return this.ledger.open<ReceivedEvent<T> | null>(name, 'e', (resolve, reject) => {
      rejectUnknownKeys(given, ['event', 'correlationKey', 'timeout', 'lookback'], `step "${name}"`);
      const wait = resolveEventWait(given);
      // A deadline that has passed still finds what is there.
      const timeoutMs = given.timeout === undefined ? undefined : Math.max(1, parseDuration(given.timeout, 'timeout'));
      const settle = ({ payload }: { payload: string }) => resolve(parseEventOutcome(payload) as ReceivedEvent<T> | null);
      const register = (wakeAt: number | undefined) =>
        this.remote.add({ name, kind: 'e', wakeAt, timedOut: noEvent, settle, reject });
      return (stored) => {
        if (stored?.status === 'w') register(stored.moment || undefined);
        else if (stored) this.ledger.deliver(stored.order, () => settle(stored));
        else this.ledger.begin(() => this.start(name, wait, timeoutMs, register), reject);
      };
    });
  }

  emit<T>(name: string, event: EventRef<T>, data: T, options: StepEmitOptions): Promise<string[]> {
    return this.ledger.open<string[]>(name, 'n', (resolve, reject) => {
      rejectUnknownKeys(options, EMIT_OPTIONS, `step "${name}"`);
      const settle = (payload: string) => resolve(decodePayload(payload) as string[]);
      return (stored) => {
        const publish = () => this.publish(name, event, data, options, settle);
        if (stored?.status === 's') this.ledger.deliver(stored.order, () => settle(stored.payload));
        else startUnlessRefused(this.ledger, { name, kind: 'n', stored, reject }, publish);
      };
    });
  }

  private async start(
    name: string,
    wait: EventWait,
    timeoutMs: number | undefined,
    register: (wakeAt: number | undefined) => void,
  ): Promise<void> {
    const { wakeAt, isOver } = await this.ledger.host.journal.awaitEvent(this.ledger.names.askedStep(name), wait, timeoutMs);
    if (this.ledger.closed) return;
    register(wakeAt);
    if (isOver) await this.remote.refresh();
  }

  private async publish(
    name: string,
    event: EventRef,
    data: unknown,
    options: StepEmitOptions,
    settle: (payload: string) => void,
  ): Promise<void> {
    const { host, executedRunId } = this.ledger;
    const prepared = await prepareEvent(
      event,
      data,
      { ...options, eventId: options.eventId ?? stepEventIdOf(executedRunId, name) },
      host.worker,
    );
    await emitIntercepted(host.worker, prepared, 'step', async (sealed) => {
      if (this.ledger.closed) return;
      this.ledger.throwIfHalted();
      const order = this.ledger.nextOrder();
      const { more, result } = await host.journal.emitEvent(this.ledger.names.askedStep(name), order, sealed);
      if (more) host.worker.goOnWith(prepared.id);
      this.ledger.deliverNew(order, () => settle(result));
    });
  }
}

const noEvent = () => ({ status: 's', payload: NO_EVENT }) as const;

/** @throws InvalidOptionError */
export function resolveEventWait({ event, correlationKey, lookback = 'run' }: Omit<WaitForEvent, 'timeout'>): EventWait {
  if (lookback !== 'run' && lookback !== 'none') {
    throw new InvalidOptionError('lookback', `Expected \`lookback\` to be 'run' or 'none'; got ${describeValue(lookback)}`);
  }
  return { event: resolveEvent(event).name, correlationKey: checkCorrelationKey(correlationKey), lookback };
}
