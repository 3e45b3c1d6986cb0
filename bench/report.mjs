import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { median, quantile } from './statistics.mjs';
import { name as bullmqName } from './systems/bullmq.mjs';
import { name as redflowName } from './systems/redflow.mjs';

const require = createRequire(import.meta.url);
const versionOf = (file) => JSON.parse(readFileSync(file, 'utf8')).version;

/** A Markdown table of medians over the rounds, and the facts of the machine. */
export function report(samples, { redis, rounds }) {
  const rows = [...throughputRows(samples), ...latencyRows(samples.latency), ...memoryRows(samples.memory)];
  return [
    ...facts(redis, rounds),
    '',
    `| | ${redflowName} | ${bullmqName} | ratio |`,
    '|---|---:|---:|---:|',
    ...rows,
    '',
    'Each ratio is the median of the ratios of neighbouring measurements; above 1 nestjs-redflow is ahead: faster, or cheaper.',
    'Absolute figures move with the machine and with what else it does; ratios and CPU per run move less.',
  ].join('\n');
}

function facts(redis, rounds) {
  const redflow = versionOf(new URL('../package.json', import.meta.url));
  const bullmq = versionOf(require.resolve('bullmq/package.json'));
  const cpus = os.cpus();
  return [
    `- ${redflowName} ${redflow}, BullMQ ${bullmq}; Node ${process.versions.node}, Redis ${redis} (AOF everysec)`,
    `- ${cpus.length} × ${cpus[0]?.model.trim() ?? 'CPU'}, ${os.type()} ${os.arch()}, ${new Date().toISOString().slice(0, 10)}`,
    `- medians of ${rounds} alternating rounds (memory: one)`,
    '- runs/s: a backlog is created first, then one worker process drains it; from the first begin to the last end, creation excluded',
  ];
}

function throughputRows(samples) {
  const rows = [];
  for (const [part, { redflow, bullmq }] of Object.entries(samples)) {
    const [kind, concurrency] = part.split(' ');
    if (kind !== 'noop' && kind !== 'steps') continue;
    const label = kind === 'noop' ? `no-op, c=${concurrency}` : `3 steps, c=${concurrency}`;
    const versus = kind === 'noop' ? '' : ' (BullMQ: 3 × updateData)';
    rows.push(more(`${label}: runs/s${versus}`, redflow, bullmq, ({ perSecond }) => perSecond));
    const plain = kind === 'steps' && samples[`noop ${concurrency}`]?.bullmq;
    if (plain) rows.push(more(`${label}: runs/s (BullMQ: plain no-op job)`, redflow, plain, ({ perSecond }) => perSecond));
    rows.push(less(`${label}: CPU of the worker, µs/run`, redflow, bullmq, ({ nodeUs }) => nodeUs));
    rows.push(less(`${label}: CPU of Redis, µs/run`, redflow, bullmq, ({ redisUs }) => redisUs));
    rows.push(less(`${label}: EVALSHA/run`, redflow, bullmq, ({ scriptCalls }) => scriptCalls, 2));
  }
  return rows;
}

function latencyRows(latency) {
  if (!latency) return [];
  // A p99 needs all the samples there are.
  const pooled = (rounds, of, share) => [quantile(rounds.flatMap(of), share)];
  const row = (label, of, share) =>
    less(label, pooled(latency.redflow, of, share), pooled(latency.bullmq, of, share), (value) => value, 2);
  const start = ({ startMs }) => startMs;
  const result = ({ resultMs }) => resultMs;
  return [
    row('idle start, p50 ms', start, 0.5),
    row('idle start, p99 ms', start, 0.99),
    row('idle result, p50 ms', result, 0.5),
    row('idle result, p99 ms', result, 0.99),
  ];
}

function memoryRows(memory) {
  if (!memory) return [];
  return [less('bytes per retained 3-step run, input of 200 B', memory.redflow, memory.bullmq, ({ bytesPerRun }) => bytesPerRun)];
}

const more = (label, redflow, bullmq, of) => line(label, redflow.map(of), bullmq.map(of), 0, (ours, theirs) => ours / theirs);
const less = (label, redflow, bullmq, of, digits = 0) =>
  line(label, redflow.map(of), bullmq.map(of), digits, (ours, theirs) => theirs / ours);

function line(label, redflow, bullmq, digits, ratioOf) {
  const shown = (values) => median(values).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const ratio = median(redflow.map((ours, round) => ratioOf(ours, bullmq[round])));
  return `| ${label} | ${shown(redflow)} | ${shown(bullmq)} | ${ratio.toFixed(2)} |`;
}
