import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('../worker.mjs', import.meta.url));

/** The forked process that executes the runs of one system. It lives through all rounds, so that its code is warm. */
export class WorkerProcess {
  static async start(systemUrl, redisUrl) {
    const child = fork(WORKER, [systemUrl, redisUrl]);
    const started = new WorkerProcess(child);
    await started.answer();
    return started;
  }

  constructor(child) {
    this.child = child;
  }

  /** Sends a command of worker.mjs and resolves with its answer. */
  async ask(command, argument) {
    this.child.send({ command, argument });
    return this.answer();
  }

  async end() {
    if (this.child.exitCode !== null) return;
    this.child.disconnect();
    await once(this.child, 'exit');
  }

  answer() {
    return new Promise((resolve, reject) => {
      const settle = (act) => {
        this.child.off('message', onMessage).off('exit', onExit);
        act();
      };
      const onMessage = ({ answer, error }) => settle(() => (error ? reject(new Error(error)) : resolve(answer)));
      const onExit = (code, signal) => settle(() => reject(new Error(`The worker process ended (${signal ?? code}).`)));
      this.child.on('message', onMessage).on('exit', onExit);
    });
  }
}
