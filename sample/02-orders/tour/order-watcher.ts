import type { OrderView, StepView } from '../orders/order.view.js';
import type { Narrator } from './narrator.js';
import type { Ending, TourOrder } from './tour-orders.js';

const ENDED = ['succeeded', 'failed', 'canceled'];
const WAITS: Readonly<Record<string, string>> = {
  sleep: 'the time',
  event: 'an event',
  any: 'an event or the time',
  child: 'its child',
};

/** Compares an order with how it looked before and tells the difference. */
export class OrderWatcher {
  private readonly steps = new Map<string, StepView['status']>();
  private attempt = 1;
  private recoveries = 0;
  private bankRequests = 0;
  private elsewhere = 0;
  private hasTold = false;
  /** The order as last seen. */
  view?: OrderView;

  constructor(
    readonly id: string,
    readonly name: string,
    readonly order: TourOrder,
    private readonly narrator: Narrator,
  ) {}

  get story(): string {
    return this.order.story;
  }

  get hasEnded(): boolean {
    return this.view !== undefined && ENDED.includes(this.view.status);
  }

  /** It has ended, and so have the runs that its event and its failure started. */
  get isDone(): boolean {
    return this.view !== undefined && this.hasEnded && this.view.elsewhere.length >= this.order.ending.elsewhere.length;
  }

  get isAsExpected(): boolean {
    return this.view !== undefined && isAs(this.view, this.order.ending);
  }

  isAt(point?: (order: OrderView) => boolean): boolean {
    return this.view !== undefined && point?.(this.view) === true;
  }

  observe(view: OrderView): void {
    this.view = view;
    if (view.recoveries > this.recoveries) this.say('the lease of its worker ran out: another worker takes over');
    if (view.attempt > this.attempt) this.say(`${view.error} Attempt ${view.attempt} follows.`);
    this.recoveries = view.recoveries;
    this.attempt = view.attempt;
    for (const { from, answer } of view.bank.requests.slice(this.bankRequests))
      this.say(`the bank was asked by ${from}: ${answer}`);
    this.bankRequests = view.bank.requests.length;
    for (const step of view.steps) this.observeStep(step);
    for (const { system, action, from } of view.elsewhere.slice(this.elsewhere)) this.say(`${system}: ${action}, by ${from}`);
    this.elsewhere = view.elsewhere.length;
    if (!this.hasEnded || this.hasTold) return;
    this.hasTold = true;
    this.say(view.status === 'succeeded' ? `succeeded: ${outcomeOf(view)}` : `${view.status}: ${view.error}`);
  }

  say(what: string): void {
    this.narrator.say(this.name, what);
  }

  private observeStep({ name, kind, status }: StepView): void {
    if (this.steps.get(name) === status) return;
    this.steps.set(name, status);
    if (status === 'succeeded') this.say(`${name}: done`);
    if (status === 'waiting' && kind in WAITS) this.say(`${name}: waits for ${WAITS[kind]}, parked in Redis, no worker holds it`);
  }
}

function isAs({ status, bank, elsewhere }: OrderView, ending: Ending): boolean {
  const actions = elsewhere.map(({ action }) => action).sort();
  return (
    status === ending.status &&
    bank.charges === ending.charges &&
    bank.refunds === ending.refunds &&
    actions.join() === [...ending.elsewhere].sort().join()
  );
}

function outcomeOf({ result }: OrderView): string {
  return (result as { outcome: string }).outcome;
}
