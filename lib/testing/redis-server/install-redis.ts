import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath } from './redis-executable.js';

const run = promisify(execFile);

// The distribution's package also brings a service on port 6379, which nobody asked for: it is neither started now
// (policy-rc.d answers 101, "forbidden by policy") nor at the next boot.
const INSTALL = `
set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod +x "$policy"
fi
apt-get -q -o DPkg::Lock::Timeout=120 update
apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends redis-server
if [ -d /run/systemd/system ]; then systemctl disable redis-server; fi
`;

/** How this process may install packages: as root, through sudo without a password, or, undefined, not at all. */
export async function findInstaller(): Promise<string[] | undefined> {
  if (findOnPath('apt-get') === undefined) return undefined;
  if (process.getuid?.() === 0) return ['sh', '-c', INSTALL];
  if (findOnPath('sudo') === undefined) return undefined;
  try {
    await run('sudo', ['-n', 'true']);
  } catch {
    return undefined; // It asks for a password.
  }
  return ['sudo', '-n', 'sh', '-c', INSTALL];
}

/** Installs the distribution's redis-server with the command of {@link findInstaller}; starts no service. */
export async function installRedis([command, ...args]: string[]): Promise<void> {
  await run(command, args, { maxBuffer: 64 * 1024 * 1024 });
}
