// Starts the sample as `npm start` does after its build, waits until it has booted, stops it with SIGTERM and expects it to
// be gone, in order and by itself.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const READY = /Nest application successfully started/;
const LIMIT_MS = 180_000;

// A process group of its own, so that nothing it started can be left behind.
const nest = spawn(process.execPath, [join(root, 'node_modules/@nestjs/cli/bin/nest.js'), 'start', 'sample', '--no-shell'], {
  cwd: root,
  detached: true,
  env: { ...process.env, PORT: '0', NO_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'pipe'],
});

let output = '';
let wasReady = false;
function read(chunk) {
  output += chunk;
  if (wasReady || !READY.test(output)) return;
  wasReady = true;
  nest.kill('SIGTERM');
}
nest.stdout.on('data', read);
nest.stderr.on('data', read);

const limit = setTimeout(() => killGroup(), LIMIT_MS);

function killGroup() {
  try {
    process.kill(-nest.pid, 'SIGKILL');
    return true;
  } catch {
    return false; // Nobody is left in the group, as it should be.
  }
}

// 'close' comes when the output has ended, that is when the application, which inherited it, has ended, too.
nest.once('close', (code, signal) => {
  clearTimeout(limit);
  const hasLeftovers = killGroup();
  const endedInOrder = code === 0 || signal === 'SIGTERM' || code === 143;
  if (wasReady && endedInOrder && !hasLeftovers) {
    process.stdout.write('The sample booted, and ended when told to.\n');
    return;
  }
  process.stderr.write(
    `${output}\nThe sample ${wasReady ? 'booted' : 'did not boot'} and ended with ${signal ?? `code ${code}`}.\n`,
  );
  process.exitCode = 1;
});
