// Prints the budget table of docs/architecture.md: each row beside its physical limit, in one run, as ratios. Usage: npm run bench -- [--runs N] [--row TEXT]… [--json FILE] [--here]
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDisk } from './disk.mjs';
import { median } from './measure.mjs';
import { rows } from './rows.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '9' },
    row: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    // Measure on the file system of $TMPDIR instead of a fresh journaled ext4.
    here: { type: 'boolean', default: false },
  },
});

const disk = openDisk(values.here);
console.log(`on ${disk.description}, Node ${process.version}, medians of up to ${values.runs} runs\n`);
console.log(format(['work', 'limit', 'tbuild', 'result', 'budget', '']));
const results = [];
try {
  for (const row of rows(disk.path)) {
    if (values.row.length > 0 && !values.row.some((text) => row.name.includes(text))) continue;
    if (row.needs !== undefined && spawnSync('which', [row.needs]).status !== 0) {
      console.log(`${row.name.padEnd(58)}  not measured: ${row.needs} is not installed`);
      continue;
    }
    const result = measure(row, Number(values.runs));
    results.push(result);
    console.log(
      format([
        row.name,
        ms(result.limitMs),
        ms(result.workMs),
        result.shown,
        row.budget.text,
        result.isInside ? 'ok' : 'OVER',
      ]),
    );
  }
} finally {
  disk.close();
}
if (values.json !== undefined) {
  mkdirSync(join(values.json, '..'), { recursive: true });
  writeFileSync(
    values.json,
    `${JSON.stringify({ date: new Date().toISOString(), node: process.version, results }, null, 2)}\n`,
  );
}
if (results.some(({ isInside, isPromised }) => isPromised && !isInside)) process.exitCode = 1;

/** Limit and work take turns, so that both see the same machine. */
function measure(row, runs) {
  const limits = [];
  const works = [];
  let memory = 0;
  for (let run = 0; run < Math.min(runs, row.runs ?? runs); run++) {
    limits.push(row.limit(run));
    const { ms: workMs, mb } = row.work(run);
    works.push(workMs);
    memory = Math.max(memory, mb);
  }
  const limitMs = median(limits);
  const workMs = median(works);
  const { figure, shown } = judge(row.budget.kind, { limitMs, workMs, memory });
  const isInside = figure <= row.budget.value;
  return {
    name: row.name,
    limitMs,
    workMs,
    memory,
    figure,
    shown,
    budget: row.budget.text,
    isInside,
    isPromised: row.promised === true,
  };
}

function judge(kind, { limitMs, workMs, memory }) {
  switch (kind) {
    case 'ratio':
      return { figure: workMs / limitMs, shown: `${(workMs / limitMs).toFixed(2)} x` };
    case 'plus':
      return { figure: workMs - limitMs, shown: `+ ${(workMs - limitMs).toFixed(0)} ms` };
    case 'memory':
      return { figure: memory, shown: `${memory.toFixed(0)} MB` };
    default:
      return { figure: workMs, shown: ms(workMs) };
  }
}

function ms(value) {
  return value < 1000 ? `${value.toFixed(1)} ms` : `${(value / 1000).toFixed(2)} s`;
}

function format([name, ...cells]) {
  return `${name.padEnd(58)}${cells.map((cell) => cell.padStart(12)).join('')}`;
}
