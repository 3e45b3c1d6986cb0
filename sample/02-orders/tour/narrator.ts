/** Prints one line per happening, with the time since the start. */
export class Narrator {
  private readonly startedAt = performance.now();

  say(who: string, what: string): void {
    const seconds = ((performance.now() - this.startedAt) / 1_000).toFixed(1);
    process.stdout.write(`${seconds.padStart(5)} s  ${who.padEnd(9)} ${what}\n`);
  }

  /** A text without a time. */
  print(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}
