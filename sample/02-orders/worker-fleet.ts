import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Narrator } from './tour/narrator.js';

const PATIENCE_MS = 10_000;

/** Keeps worker processes running: one that dies is replaced, as Kubernetes or systemd would. */
export class WorkerFleet {
  private readonly children = new Set<ChildProcess>();
  private started = 0;
  private stopping = false;

  constructor(private readonly narrator: Narrator) {}

  /** Resolves once all of them claim runs. */
  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.startOne()));
  }

  /** Lets every worker finish its steps and waits until the processes are gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all([...this.children].map(endProcess));
  }

  private async startOne(): Promise<void> {
    const name = `worker ${++this.started}`;
    const child = fork(new URL('./worker.js', import.meta.url), { env: { ...process.env, SAMPLE_WORKER: name } });
    this.children.add(child);
    child.once('exit', () => this.children.delete(child));
    await new Promise<void>((ready, failed) => {
      child.once('message', () => ready());
      child.once('exit', (code, signal) => failed(new Error(`${name} ended while starting (${signal ?? code}).`)));
    });
    this.narrator.say(name, `ready (pid ${child.pid})`);
    child.once('exit', (code, signal) => this.replace(name, signal ?? `exit code ${code}`));
  }

  private replace(name: string, cause: string): void {
    if (this.stopping) return;
    this.narrator.say(name, `died: ${cause}. Starting another one.`);
    this.startOne().catch((error: Error) => {
      if (!this.stopping) this.narrator.say('workers', error.message);
    });
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(impatience);
}
