import type { OrderView, StepView } from '../orders/order.view.js';
import type { Narrator } from './narrator.js';

const ENDED = ['succeeded', 'failed', 'canceled'];

/** Compares an order with how it looked before and tells the difference. */
export class OrderWatcher {
  private readonly steps = new Map<string, StepView['status']>();
  private attempt = 1;
  private recoveries = 0;
  private bankRequests = 0;
  /** The order as last seen. */
  view?: OrderView;

  constructor(
    readonly id: string,
    readonly name: string,
    readonly story: string,
    private readonly narrator: Narrator,
  ) {}

  get hasEnded(): boolean {
    return this.view !== undefined && ENDED.includes(this.view.status);
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
    if (this.hasEnded) this.say(view.status === 'succeeded' ? 'succeeded' : `${view.status}: ${view.error}`);
  }

  private observeStep({ name, kind, status }: StepView): void {
    if (this.steps.get(name) === status) return;
    this.steps.set(name, status);
    if (status === 'succeeded') this.say(`${name}: done`);
    if (status === 'waiting' && kind === 'sleep') this.say(`${name}: parked in Redis, no worker holds it`);
  }

  private say(what: string): void {
    this.narrator.say(this.name, what);
  }
}
