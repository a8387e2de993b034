/**
 * Measures the product beside what its users would otherwise run, on this machine, in turn: the
 * project, then each choice that a user of the peer has (bfloat16 or float32, padded or packed,
 * ...), round by round. Medians come first, then the best of the peer's choices; the project has
 * one, which it makes by itself, so luck can only help the peer. A type in which the peer's products are far too slow
 * on this machine is not run. Prints one JSON line for each number to reach, with every run of it, and a section of
 * docs/performance.md.
 *
 *     npm run build
 *     npx tsx scripts/bench/compare.ts --python PYTHON --tokenizer MODEL_DIR --data ROWS.jsonl \
 *       [--rounds 3,more=1] [--only step,train] [--with EARLIER.jsonl] [--markdown FILE] [--emulate avx512_core_bf16]
 *
 * PYTHON (or PHASETUNE_PYTHON) has torch, transformers, peft, trl and datasets; without it the
 * project is measured alone. MODEL_DIR and ROWS.jsonl are those of peers/trl_sft.py; without them
 * there is no training over real rows. EARLIER.jsonl has lines that were measured on the same machine before: the table
 * shows them too, so that hours can be measured in pieces.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type ContestName, type Contests, contestsFor, type Settings } from './contests.js';
import { machine, measure } from './measure.js';
import { EMULATED, emulation } from './processor.js';
import { type Progress, parseRounds, runContests } from './rounds.js';
import { ceilings, type Row, rowsFor } from './rows.js';
import { middle, type Outcomes } from './runs.js';
import { type Machine, page, type Record, reached } from './table.js';

const text = (value?: string) => ({ type: 'string', ...(value !== undefined && { default: value }) }) as const;

const { values: options } = parseArgs({
  options: {
    python: text(process.env.PHASETUNE_PYTHON),
    precision: text(),
    tokenizer: text(),
    data: text(),
    rounds: text('3,more=1'),
    only: text(),
    with: text(),
    markdown: text(),
    emulate: text(),
    shape: text('smollm2-135m'),
    batch: text('4'),
    seq: text('256'),
    rows: text('96'),
    more: text('1000'),
    few: text('100'),
    many: text('10000'),
    answers: text('16'),
    prompt: text('64'),
    tokens: text('128'),
  },
});

const say = (line: string) => process.stderr.write(`${line}\n`);

/** What a run reached, and how long all will take. */
function sayRun({ contest, round, rounds, choice, figures, seconds, left }: Progress): void {
  const { gflops, gbps, answer_tokens_per_s, tokens_per_s, peak_rss_mib } = figures;
  const speeds = { 'GFLOP/s': gflops, 'GB/s': gbps, 'answer tokens/s': answer_tokens_per_s, 'tokens/s': tokens_per_s };
  const [unit, speed] = Object.entries(speeds).find(([, value]) => value !== undefined) ?? ['tokens/s', '?'];
  say(
    `${contest}, round ${round} of ${rounds}, ${choice}: ${speed} ${unit}, ${peak_rss_mib ?? '?'} MiB ` +
      `(${seconds.toFixed(0)} s; about ${Math.ceil(left / 60)} min left)`,
  );
}

/** The rows that are asked for and can be measured with these settings. */
function chooseRows(known: readonly Row[], all: Contests): readonly Row[] {
  const chosen = options.only?.split(',');
  const unknown = chosen?.filter((id) => !known.some((row) => row.id === id)) ?? [];
  if (unknown.length > 0) throw new Error(`--only ${unknown}: there are ${known.map(({ id }) => id).join(', ')}`);
  const rows = known.filter(
    ({ id, contests }) => (!chosen || chosen.includes(id)) && contests.every((name) => all[name]),
  );
  if (rows.length === 0) throw new Error('nothing to measure: rows need --tokenizer and --data');
  return rows;
}

/** Lines that were measured before. */
const earlier: readonly Record[] = options.with
  ? readFileSync(options.with, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line): Record => JSON.parse(line))
  : [];

function recordOf(row: Row, contests: Contests, outcomes: Outcomes, on: Machine): Record {
  const { id, what, unit, target } = row;
  const result = row.measure(outcomes);
  const compared = row.contests.map((name) => {
    const { speed, unit } = contests[name]!;
    return [name, { speed, unit, ...outcomes[name]! }] as const;
  });
  const verdict = reached(target, result.value);
  return {
    row: id,
    what,
    unit,
    ...result,
    target,
    reached: verdict,
    machine: on,
    contests: Object.fromEntries(compared),
  };
}

const known = rowsFor(options as Settings);
const order = new Map(known.map(({ id }, place) => [id, place]));
const inOrder = (records: readonly Record[]): Record[] =>
  records.toSorted((a, b) => order.get(a.row)! - order.get(b.row)!);

const all = contestsFor(options as Settings);
const rows = chooseRows(known, all);
const needed = new Set<string>(['machine', 'products', ...rows.flatMap(({ contests }) => contests)]);
const contests: Contests = Object.fromEntries(Object.entries(all).filter(([name]) => needed.has(name)));
const variables = emulation(options.emulate);
const here = { ...machine(), ...(options.emulate && { emulated: EMULATED[options.emulate]! }) };
const outcomes: Outcomes = {};
const before: Outcomes = Object.fromEntries(earlier.flatMap((record) => Object.entries(record.contests)));
const records = earlier.filter(({ row }) => !rows.some(({ id }) => id === row));
const done = new Set<Row>();
const turns = runContests(contests, parseRounds(options.rounds!), (job) => measure(job, variables), sayRun, before);
for await (const [name, outcome] of turns) {
  outcomes[name as ContestName] = outcome;
  const { bfloat16, float32, read } = ceilings(outcomes.machine!);
  const peer = Object.fromEntries(outcomes.products?.peers.map((runs) => [runs.type!, middle(runs, 'gflops')]) ?? []);
  const on = { ...here, gflops_bfloat16: bfloat16, gflops_float32: float32, peer_gflops: peer, read_gbps: read };
  for (const row of rows.filter((row) => !done.has(row) && row.contests.every((contest) => outcomes[contest]))) {
    done.add(row);
    const record = recordOf(row, contests, outcomes, on);
    records.push(record);
    process.stdout.write(`${JSON.stringify(record)}\n`);
  }
  if (options.markdown && records.length > 0) writeFileSync(options.markdown, `${page(inOrder(records))}\n`);
}
say(`\n${page(inOrder(records))}`);
