import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach } from '@jest/globals';

const LINE_LIMIT_MS = 60_000;
const fixtures = new URL('../fixtures/', import.meta.url);
const running = new Set<SpawnedProcess>();

export interface SpawnOptions {
  args?: string[];
  /** Added to this process's environment. */
  env?: Record<string, string | undefined>;
}

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Starts `test/fixtures/<fixture>` as a Node process of its own. Fixtures import the built package by its name. What still
 * runs when the test ends is killed.
 */
export function spawnWorker(fixture: string, { args = [], env = {} }: SpawnOptions = {}): SpawnedProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL(fixture, fixtures)), ...args], {
    env: { ...process.env, NODE_OPTIONS: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const spawned = new SpawnedProcess(fixture, child);
  running.add(spawned);
  return spawned;
}

afterEach(async () => {
  await Promise.all([...running].map((spawned) => spawned.kill('SIGKILL')));
  running.clear();
});

/** A child process, with the lines it has written so far. */
export class SpawnedProcess {
  /** Lines of its standard output, without line ends. */
  readonly lines: string[] = [];
  /** Resolves when it has ended and all its output was read. */
  readonly exited: Promise<ProcessExit>;
  private errors = '';
  private hasEnded = false;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => this.add(line));
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.hasEnded = true;
        resolve({ code, signal });
        this.wake();
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} could not be started.`);
    return this.child.pid;
  }

  /** What it has written to its standard error so far. */
  get stderr(): string {
    return this.errors;
  }

  /**
   * The first line, written already or to come, that matches; with `after`, the first one from that index of `lines` on.
   *
   * @throws Error with all output if the process ends, or a minute passes, without one
   */
  async waitForLine(pattern: RegExp | string, { after = 0 }: { after?: number } = {}): Promise<string> {
    const matches = (line: string) => (typeof pattern === 'string' ? line.includes(pattern) : line.search(pattern) >= 0);
    const deadline = performance.now() + LINE_LIMIT_MS;
    for (;;) {
      const line = this.lines.slice(after).find(matches);
      if (line !== undefined) return line;
      if (this.hasEnded) throw this.missing(pattern, 'it ended');
      if (performance.now() >= deadline) throw this.missing(pattern, `${LINE_LIMIT_MS} ms passed`);
      await this.nextChange(deadline - performance.now());
    }
  }

  /** Sends a signal and waits for the end; does nothing if it has ended. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ProcessExit> {
    if (!this.hasEnded) this.child.kill(signal);
    return this.exited;
  }

  /** Sends a signal without waiting, for example SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  private add(line: string): void {
    this.lines.push(line);
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
  }

  private nextChange(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.waiting.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, limitMs);
      this.waiting.add(finish);
    });
  }

  private missing(pattern: RegExp | string, reason: string): Error {
    const output = [...this.lines, this.errors].join('\n');
    return new Error(`${this.name} wrote no line that matches ${pattern}: ${reason}. Its output:\n${output}`);
  }
}
