import { type ChildProcess, spawn } from 'node:child_process';

// Reads the id of the current server from its standard input, one line per start, an empty line for none. The pipe ends when
// this process ends, however it ends: a process cannot clean up after its own SIGKILL, and exit hooks see neither that nor
// a signal without a handler. The temporary directory, if there is one, goes with the server.
const SCRIPT = `
while read -r line; do server=$line; done
if [ -n "$server" ]; then kill -9 "$server"; fi
if [ -n "$1" ]; then rm -rf "$1"; fi
`;

/** A tiny shell process that kills a server and removes its temporary directory if this process ends without doing so. */
export class OrphanGuard {
  private readonly shell: ChildProcess;

  /** `temporaryDir` is removed with the server; pass undefined for a directory that should stay. */
  constructor(temporaryDir: string | undefined) {
    // A session of its own, because Ctrl-C in a terminal reaches the whole process group.
    this.shell = spawn('sh', ['-c', SCRIPT, 'redflow-orphan-guard', temporaryDir ?? ''], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.shell.on('error', () => this.release());
    // A guard killed from outside closes the pipe; the server then lives as long as its owner stops it.
    this.shell.stdin?.on('error', () => this.release());
    this.shell.unref();
    // The pipe of a child process is a socket, which can be unreferenced; the type says Writable.
    (this.shell.stdin as { unref?: () => void } | null)?.unref?.();
  }

  /** The server to kill, or undefined when none runs. */
  watch(pid: number | undefined): void {
    if (this.shell.stdin?.writable) this.shell.stdin.write(`${pid ?? ''}\n`);
  }

  /** Ends the guard, which then kills and removes nothing. */
  release(): void {
    this.shell.kill('SIGKILL');
    this.shell.stdin?.destroy();
  }
}
