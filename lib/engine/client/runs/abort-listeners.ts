/** Listens to each signal once for however many ask: Node takes more than ten listeners of one signal for a leak, and warns. */
export class AbortListeners {
  private readonly waiting = new Map<AbortSignal, { readonly calls: Set<() => void>; readonly listener: () => void }>();

  /** @returns stops listening */
  add(signal: AbortSignal, onAbort: () => void): () => void {
    let known = this.waiting.get(signal);
    if (!known) {
      const calls = new Set<() => void>();
      known = { calls, listener: () => this.aborted(signal, calls) };
      this.waiting.set(signal, known);
      signal.addEventListener('abort', known.listener, { once: true });
    }
    const { calls, listener } = known;
    calls.add(onAbort);
    return () => {
      calls.delete(onAbort);
      if (calls.size > 0 || this.waiting.get(signal)?.calls !== calls) return;
      this.waiting.delete(signal);
      signal.removeEventListener('abort', listener);
    };
  }

  private aborted(signal: AbortSignal, calls: ReadonlySet<() => void>): void {
    this.waiting.delete(signal);
    for (const call of [...calls]) call();
  }
}
