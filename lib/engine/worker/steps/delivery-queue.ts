import type { TurnClock } from '../../core/async/turn-clock.js';

interface Delivery {
  readonly order: number;
  readonly deliver: () => void;
}

/**
 * Hands the outcomes of steps to the handler one per turn of the event loop and in the order in which they completed, live and on
 * replay alike: that is what makes `Promise.race` pick the same winner every time.
 *
 * A replayed step waits one turn for steps that completed before it and have not been asked for yet. Longer would be a deadlock
 * where the handler asks for them only afterwards.
 */
export class DeliveryQueue {
  private readonly pending: Delivery[] = [];
  /** Orders of the stored steps not yet delivered, ascending. */
  private readonly expected: number[];
  private nextExpected = 0;
  private readonly delivered = new Set<number>();
  private lastTurn = -1;
  private count = 0;
  private scheduled = false;

  constructor(
    private readonly turns: TurnClock,
    storedOrders: number[],
    private readonly onDelivered: () => void,
  ) {
    this.expected = storedOrders.sort((a, b) => a - b);
  }

  get empty(): boolean {
    return this.pending.length === 0;
  }

  /** How many outcomes the handler has got. */
  get made(): number {
    return this.count;
  }

  /** A step counts as stored from now on; its order is higher than all before. */
  expect(order: number): void {
    this.expected.push(order);
  }

  offer(order: number, deliver: () => void): void {
    if (this.pending.length === 0 && this.isNext(order) && this.turns.now() !== this.lastTurn) {
      this.hand({ order, deliver });
      return;
    }
    let at = this.pending.length;
    while (at > 0 && this.pending[at - 1].order > order) at--;
    this.pending.splice(at, 0, { order, deliver });
    if (this.isNext(this.pending[0].order) && this.turns.now() !== this.lastTurn) this.hand(this.pending.shift() as Delivery);
    this.schedule();
  }

  private isNext(order: number): boolean {
    while (this.delivered.delete(this.expected[this.nextExpected])) this.nextExpected++;
    return this.nextExpected >= this.expected.length || order <= this.expected[this.nextExpected];
  }

  private hand({ order, deliver }: Delivery): void {
    this.lastTurn = this.turns.now();
    this.count++;
    if (this.nextExpected < this.expected.length) this.delivered.add(order);
    deliver();
    this.onDelivered();
  }

  private schedule(): void {
    if (this.scheduled || this.pending.length === 0) return;
    this.scheduled = true;
    setImmediate(this.drain);
  }

  private readonly drain = (): void => {
    this.scheduled = false;
    const next = this.pending.shift();
    if (next) this.hand(next);
    this.schedule();
  };
}
