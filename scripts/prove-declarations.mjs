// Proves by hand what holds of what services declare, in random histories of starts, stops, crashes and outages against a model of the table in
// docs/decisions/0043: `node scripts/prove-declarations.mjs [histories] [first seed]`. A failure names its seed; that seed alone repeats it.
import { spawnSync } from 'node:child_process';

const [histories = '10000', seed = String(Date.now() % 1_000_000_000)] = process.argv.slice(2);
process.stdout.write(`${histories} histories from seed ${seed}\n`);
const jest = ['node_modules/jest/bin/jest.js', 'test/redis/registry/declaration-histories.spec.ts', '--reporters=default'];
const { status } = spawnSync('node', ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...jest], {
  stdio: 'inherit',
  env: { ...process.env, REDFLOW_HISTORIES: histories, REDFLOW_SEED: seed },
});
process.exitCode = status ?? 1;
