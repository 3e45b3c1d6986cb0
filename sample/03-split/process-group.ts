import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

const PATIENCE_MS = 10_000;

/** A process of the group, and what it said once it was ready. */
export interface Started {
  child: ChildProcess;
  message: string;
}

/** The processes that the starter has begun and has to end. */
export class ProcessGroup {
  private readonly children = new Set<ChildProcess>();
  private stopping?: Promise<void>;

  /** Resolves once the process says that it is ready. */
  async start(name: string, file: URL, args: string[] = []): Promise<Started> {
    if (this.stopping) throw new Error(`${name} is not started during the shutdown.`);
    const env = { ...process.env, SAMPLE_PROCESS: name };
    const child = fork(file, args, { env });
    this.children.add(child);
    child.once('exit', () => this.children.delete(child));
    const message = await new Promise<string>((ready, failed) => {
      child.once('message', (text) => ready(String(text)));
      child.once('exit', (code, signal) => failed(new Error(`${name} ended while starting (${signal ?? code}).`)));
    });
    return { child, message };
  }

  /** Ends a process as a power cut would. */
  async kill(child: ChildProcess): Promise<void> {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Ends all of them in order, and waits until they are gone. */
  stop(): Promise<void> {
    this.stopping ??= Promise.all([...this.children].map(endProcess)).then(() => {});
    return this.stopping;
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(impatience);
}
