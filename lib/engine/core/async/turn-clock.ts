/**
 * Numbers the turns of the event loop. All promise reactions of a turn have run before the next one begins, so what happens in
 * different turns is seen in that order by the handler, however long its promise chains are.
 */
export class TurnClock {
  private turn = 0;
  private armed = false;

  now(): number {
    if (!this.armed) {
      this.armed = true;
      setImmediate(this.advance);
    }
    return this.turn;
  }

  private readonly advance = (): void => {
    this.armed = false;
    this.turn++;
  };
}
