/**
 * Measures the product beside what its users would otherwise run, on this machine, in turn:
 * project, peer, project, peer, ... Prints one JSON line for each number to reach, with every run
 * behind it, and a markdown table for docs/performance.md.
 *
 *     npm run build
 *     npx tsx scripts/bench/compare.ts --python PYTHON --tokenizer MODEL_DIR --data ROWS.jsonl \
 *       [--rounds 3] [--only step,train]
 *
 * PYTHON (or PHASETUNE_PYTHON) has torch, transformers, peft, trl and datasets; without it the
 * project is measured alone. MODEL_DIR and ROWS.jsonl are those of peers/trl_sft.py; without them
 * there is no training over real rows.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Figures, machine, markdown, measure, nameOf } from './measure.js';
import { type Contest, type ContestName, contestsFor, type Outcome, ROWS, type Row, type Settings } from './rows.js';

const text = (value?: string) => ({ type: 'string', ...(value !== undefined && { default: value }) }) as const;

const { values: options } = parseArgs({
  options: {
    python: text(process.env.PHASETUNE_PYTHON),
    tokenizer: text(),
    data: text(),
    rounds: text('3'),
    only: text(),
    markdown: text(),
    shape: text('smollm2-135m'),
    batch: text('4'),
    seq: text('256'),
    rows: text('96'),
    few: text('100'),
    many: text('10000'),
    answers: text('16'),
    prompt: text('64'),
    tokens: text('128'),
  },
});

const say = (line: string) => process.stderr.write(`${line}\n`);

/** Runs every contest once a round; both sides of one come one after the other. */
async function runAll(contests: Partial<Record<ContestName, Contest>>, rounds: number) {
  const outcomes: Partial<Record<ContestName, { project: Figures[]; other: Figures[] }>> = {};
  for (let round = 1; round <= rounds; round++)
    for (const [name, contest] of Object.entries(contests) as [ContestName, Contest][]) {
      outcomes[name] ??= { project: [], other: [] };
      for (const side of ['project', 'other'] as const) {
        const job = contest[side];
        if (!job) continue;
        const start = performance.now();
        const figures = await measure(job);
        outcomes[name][side].push(figures);
        const took = ((performance.now() - start) / 1000).toFixed(0);
        const { seconds, answer_tokens_per_s, tokens_per_s = '?', peak_rss_mib } = figures;
        const speed = answer_tokens_per_s ? `${answer_tokens_per_s} answer tokens/s` : `${tokens_per_s} tokens/s`;
        say(`round ${round}, ${nameOf(job)}: ${seconds ?? '?'} s, ${speed}, ${peak_rss_mib} MiB (in all ${took} s)`);
      }
    }
  return outcomes as Record<ContestName, Outcome>;
}

const reached = ({ target }: Row, value: number): boolean | null =>
  Number.isNaN(value) ? null : 'least' in target ? value >= target.least : value <= target.most;

const written = (value: number, unit: Row['unit']): string =>
  Number.isNaN(value)
    ? ''
    : unit === '%'
      ? `${(100 * value).toFixed(1)} %`
      : unit === 'times'
        ? `${value.toFixed(2)} times`
        : `${value.toFixed(unit === 's' ? 1 : 0)} ${unit}`;

function tableLine(row: Row, { project, other, value }: ReturnType<Row['measure']>): string[] {
  const figure = (x: number | undefined) =>
    x === undefined ? '' : row.unit === 'times' || row.id === 'count' ? x.toPrecision(4) : written(x, row.unit);
  const { target } = row;
  const goal =
    'least' in target ? `at least ${written(target.least, row.unit)}` : `at most ${written(target.most, row.unit)}`;
  const verdict = { true: 'yes', false: 'no', null: '' }[String(reached(row, value)) as 'true' | 'false' | 'null'];
  return [row.what, figure(project), figure(other), written(value, row.unit), goal, verdict];
}

const all = contestsFor(options as Settings);
const chosen = options.only?.split(',');
const rows = ROWS.filter(({ id, contests }) => (!chosen || chosen.includes(id)) && contests.every((name) => all[name]));
const unknown = chosen?.filter((id) => !ROWS.some((row) => row.id === id)) ?? [];
if (unknown.length > 0) throw new Error(`--only ${unknown}: there are ${ROWS.map(({ id }) => id).join(', ')}`);
const needed = new Set(rows.flatMap(({ contests }) => contests));
const contests = Object.fromEntries(Object.entries(all).filter(([name]) => needed.has(name as ContestName)));
const outcomes = await runAll(contests, Number(options.rounds));
const on = machine();
const lines: string[][] = [];
for (const row of rows) {
  const result = row.measure(outcomes);
  lines.push(tableLine(row, result));
  const runs = Object.fromEntries(
    row.contests.map((name) => [
      name,
      {
        project: nameOf(all[name]!.project),
        ...(all[name]!.other && { other: nameOf(all[name]!.other) }),
        runs: outcomes[name],
      },
    ]),
  );
  const { id, what, target } = row;
  process.stdout.write(
    `${JSON.stringify({ row: id, what, ...result, target, reached: reached(row, result.value), machine: on, runs })}\n`,
  );
}
const table = markdown(['what', 'project', 'peer', 'compared', 'to reach', 'reached'], lines);
if (options.markdown) writeFileSync(options.markdown, `${table}\n`);
say(`\n${table}`);
