/** Holds each of several asynchronous calls at one point until all have come to it, and lets them go on in their order. If one fails, none does. */
export class Gathering {
  private readonly arrivals: Array<{ readonly goOn: () => void; readonly fail: (error: unknown) => void }> = [];
  private arrived = 0;
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly size: number) {}

  /** @param call gets what it awaits at the point */
  async member<T>(place: number, call: (arrive: () => Promise<void>) => Promise<T>): Promise<T> {
    try {
      return await call(() => this.arrive(place));
    } catch (error) {
      if (this.arrived < this.size) this.failAll(error);
      throw error;
    }
  }

  private failAll(error: unknown): void {
    this.failure ??= { error };
    for (const { fail } of this.arrivals.filter(Boolean)) fail(error);
  }

  private arrive(place: number): Promise<void> {
    return new Promise<void>((goOn, fail) => {
      if (this.failure) return fail(this.failure.error);
      this.arrivals[place] = { goOn, fail };
      // Once the last one awaits it, too.
      if (++this.arrived === this.size) queueMicrotask(() => this.arrivals.forEach((arrival) => void arrival.goOn()));
    });
  }
}
