import { parseArgs } from 'node:util';

const PARTS = ['noop', 'steps', 'latency', 'memory'];

const FULL = {
  rounds: 7,
  warmUp: 3_000,
  noop: { 1: 3_000, 16: 10_000, 100: 10_000 },
  steps: { 1: 1_500, 16: 5_000, 100: 6_000 },
  samples: 60,
  retained: 5_000,
};

const QUICK = {
  rounds: 2,
  warmUp: 1_000,
  noop: { 1: 1_000, 16: 4_000, 100: 4_000 },
  steps: { 1: 500, 16: 2_000, 100: 2_000 },
  samples: 40,
  retained: 3_000,
};

/** `--quick`, `--only=noop,steps,latency,memory`, `--rounds=7`, `--profile=<folder for .cpuprofile files>`. */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: PARTS.join() },
      rounds: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const parts = values.only.split(',');
  const unknown = parts.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new Error(`--only knows ${PARTS.join(', ')}; got '${unknown}'.`);
  const sizes = values.quick ? QUICK : FULL;
  return { ...sizes, rounds: Number(values.rounds ?? sizes.rounds), parts, profile: values.profile };
}
