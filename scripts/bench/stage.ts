/**
 * Seconds and most memory that `phasetune stage` takes over rows made here: words by Zipf's law,
 * instructions and answers about as long as Alpaca's, a tenth of them from templates, equal and
 * nearly equal ones among them, scores of many values. One JSON line a run and a markdown table.
 *
 *     npm run build
 *     npx tsx scripts/bench/stage.ts [--rows 52002,1000000] [--by rows,jenks,length]
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { type Random, random } from '../../src/core/random.js';
import { machine, markdown, phasetune, runWatched } from './measure.js';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '52002,1000000' },
    by: { type: 'string', default: 'rows,jenks,length' },
  },
});

const VOCABULARY = 20_000;

/** A vocabulary of syllables, short words first: the frequent ones are short, as in every language. */
function vocabulary(rng: Random): string[] {
  const syllables = ['ta', 'ri', 'mo', 'ne', 'ka', 'lu', 'se', 'do', 'vi', 'po', 'gra', 'ste', 'shi', 'on', 'el', 'ar'];
  return Array.from({ length: VOCABULARY }, (_, i) =>
    Array.from({ length: 1 + Math.floor(Math.log10(i + 1)) }, () => syllables[rng.integer(syllables.length)]!)
      .concat(i > 99 ? [i.toString(36)] : [])
      .join(''),
  );
}

/** Rows of the shape of Alpaca's, one after another. */
function* rowsOf(count: number): Generator<unknown> {
  const rng = random(1, 'bench', 'stage');
  const words = vocabulary(rng);
  // The inverse of the share of the first words, 1/rank each: rank = n^u.
  const word = () => words[Math.floor(VOCABULARY ** rng.uniform()) - 1]!;
  const some = (median: number, spread: number) =>
    Array.from({ length: Math.max(3, Math.round(median * Math.exp(spread * rng.normal()))) }, word);
  const templates = Array.from({ length: 50 }, () => some(10, 0.3));
  const asked: string[][] = [];
  for (let i = 0; i < count; i++) {
    const chance = rng.uniform();
    const earlier = asked[rng.integer(Math.max(1, asked.length))];
    const instruction =
      chance < 0.02 && earlier
        ? earlier
        : chance < 0.05 && earlier
          ? earlier.with(rng.integer(earlier.length), word())
          : chance < 0.15
            ? [...templates[rng.integer(templates.length)]!, word(), word()]
            : some(15, 0.6).concat(rng.uniform() < 0.4 ? some(20, 0.8) : []);
    if (asked.length < 10_000) asked.push(instruction);
    const messages = [
      { role: 'user', content: `${instruction.join(' ')}.` },
      { role: 'assistant', content: `${some(45, 0.9).join(' ')}.` },
    ];
    yield { id: `row-${i}`, messages, score: Math.round(1e4 * (1 + 4 * rng.uniform())) / 1e4 };
  }
}

async function writeRows(path: string, count: number): Promise<void> {
  const file = createWriteStream(path);
  let text = '';
  for (const row of rowsOf(count)) {
    text += `${JSON.stringify(row)}\n`;
    if (text.length < 1 << 20) continue;
    if (!file.write(text)) await once(file, 'drain');
    text = '';
  }
  file.end(text);
  await finished(file);
}

const home = await mkdtemp(join(tmpdir(), 'phasetune-stage-'));
const on = machine();
const lines: string[][] = [];
try {
  for (const rows of options.rows.split(',').map(Number)) {
    const path = join(home, 'rows.jsonl');
    await writeRows(path, rows);
    const mib = (await stat(path)).size / 2 ** 20;
    for (const by of options.by.split(',')) {
      const args = ['stage', path, '--out', join(home, 'staged'), '--by', by, '--json', '--force'];
      const { told, ...took } = await runWatched(phasetune(args));
      const { duplicates } = told as { duplicates: Record<string, number> };
      console.log(JSON.stringify({ rows, by, mib, ...took, duplicates, on }));
      const times = [took.seconds, took.processorSeconds].map((n) => n.toFixed(1));
      const shown = [...times, took.peakMib.toFixed(0), `${duplicates.exact}`, `${duplicates.near}`];
      lines.push([rows.toLocaleString('en-US'), mib.toFixed(0), by, ...shown]);
    }
  }
} finally {
  await rm(home, { recursive: true });
}
console.log(
  markdown(['rows', 'MiB', 'cut by', 'seconds', 'processor seconds', 'peak RSS (MiB)', 'equal', 'near'], lines),
);
