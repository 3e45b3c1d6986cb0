import type { ReceivedEvent } from '../core/api/event.types.js';
import type { EventTrigger } from '../core/api/trigger.types.js';
import { describeValue } from '../core/checks/describe-value.js';
import { InvalidOptionError } from '../core/errors/index.js';
import { NO_CODEC, type Sealer } from '../core/payload/sealer.js';
import { admissionOf } from '../core/workflows/admission.js';
import { patternMatches } from '../core/workflows/event-names.js';
import type { RunTarget } from '../core/workflows/run-target.js';
import { validateInput } from '../core/workflows/validate-input.js';
import type { EventAdmission } from '../redis/events/emit-event.js';

type Subscriber = Pick<RunTarget, 'workflow' | 'events' | 'input' | 'admission'>;

/**
 * Whether a subscriber takes an event: one of its filters lets it pass, and its data is a valid input; and what its run is subject to.
 * Never throws.
 */
export async function admitEvent(
  subscriber: Subscriber,
  event: ReceivedEvent,
  sealer: Sealer = NO_CODEC,
): Promise<EventAdmission> {
  const { workflow, events = [], input: schema, admission } = subscriber;
  try {
    if (!passes(events, event)) return { status: 's', error: '' };
    const input = schema ? await validateInput(schema, event.data, workflow) : event.data;
    return { status: 'd', error: '', ...(admission && { admission: admissionOf(admission, input, workflow) }) };
  } catch (error) {
    return { status: 'f', error: (await sealer.sealError(error, `error of event "${event.id}" at "${workflow}"`)).sealed };
  }
}

/**
 * A filter that throws counts only if no other one lets the event pass. In a deploy a worker may get the event of a subscription that
 * only the other build has: there is no filter to ask then, and the event must not be lost.
 */
function passes(triggers: readonly EventTrigger[], event: ReceivedEvent): boolean {
  const asked = triggers.filter(({ name }) => patternMatches(name, event.name));
  if (asked.length === 0) return true;
  let failure: { readonly error: unknown } | undefined;
  for (const { name, if: filter } of asked) {
    try {
      if (!filter || verdictOf(filter(event), name)) return true;
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure) throw failure.error;
  return false;
}

/** A promise would always count as true. */
function verdictOf(answer: unknown, trigger: string): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new InvalidOptionError(
    'event.if',
    `Expected \`if\` of event "${trigger}" to return true or false; got ${describeValue(answer)}`,
  );
}
