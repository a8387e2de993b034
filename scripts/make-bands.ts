/**
 * Builds a scored record file of three equal bands of real difficulty from two published files of Alpaca rows:
 *
 *   npx tsx scripts/make-bands.ts --scored stage3.jsonl --random random-9k.json --rows 340 --out bands.jsonl
 *
 * `--scored` holds rows that GPT-4 rated 3.5 or more out of 5 (xubuvd/PhasedSFT, third stage),
 * `--random` a random draw of the same 52k rows. What is in the draw but not among the rated rows
 * was rated below 3.5: these are the easy band, with a nominal score of 2 since the true one was
 * never published. Medium is 3.5 to under 4.5, hard 4.5 and over. Only rows of at most `--words`
 * words (default 120), instruction and answer together, are taken, so that a processor can train on
 * them. The rows are not ours (Alpaca is CC BY-NC 4.0): the output is never committed.
 */
import { parseArgs } from 'node:util';
import { random } from '../src/core/random.js';
import { importFile } from '../src/data/import.js';
import { importOptionsSchema } from '../src/data/options.js';
import type { InstructionRecord } from '../src/data/record.js';
import { writeJsonLines } from '../src/io/jsonl.js';

const EASY_SCORE = 2;
const MEDIUM_FROM = 3.5;
const HARD_FROM = 4.5;

const { values: args } = parseArgs({
  options: {
    scored: { type: 'string' },
    random: { type: 'string' },
    out: { type: 'string' },
    rows: { type: 'string', default: '340' },
    words: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
  },
});

const need = (flag: 'scored' | 'random' | 'out'): string => {
  const value = args[flag];
  if (value === undefined) throw new Error(`--${flag} FILE is missing`);
  return value;
};

const read = async (path: string) =>
  (await importFile(path, importOptionsSchema.parse({ badRows: 'skip' }))).records.map(
    (record): InstructionRecord => ({
      ...record,
      messages: record.messages.map((m) => ({ ...m, content: m.content.trim() })),
    }),
  );

/** The instruction without what differs between the two files: white space and case. */
const instruction = ({ messages }: InstructionRecord) => messages[0]!.content.toLowerCase().replace(/\s+/g, ' ').trim();

const words = ({ messages }: InstructionRecord) =>
  messages.reduce((sum, { content }) => sum + content.split(/\s+/).length, 0);

const scored = await read(need('scored'));
const drawn = await read(need('random'));
const rated = new Set(scored.map(instruction));
const bands = {
  easy: drawn.filter((row) => !rated.has(instruction(row))).map((row) => ({ ...row, score: EASY_SCORE })),
  medium: scored.filter(({ score }) => score! >= MEDIUM_FROM && score! < HARD_FROM),
  hard: scored.filter(({ score }) => score! >= HARD_FROM),
};
const both = drawn.length - bands.easy.length;
console.log(`${drawn.length} random rows, ${both} of them also among the ${scored.length} rated ones`);

const seed = Number(args.seed);
const wanted = Number(args.rows);
const out: InstructionRecord[] = [];
const taken = new Set<string>();
for (const [name, rows] of Object.entries(bands)) {
  const short = rows.filter((row) => words(row) <= Number(args.words));
  const chosen = random(seed, 'bands', name)
    .shuffle(short)
    .filter((row) => !taken.has(instruction(row)) && taken.add(instruction(row)))
    .slice(0, wanted);
  if (chosen.length < wanted)
    throw new Error(`band ${name}: ${chosen.length} short rows; asked for ${wanted}; raise --words`);
  out.push(
    ...chosen.map(
      (row): InstructionRecord => ({
        id: `${name}-${row.id}`,
        messages: row.messages,
        score: row.score!,
        meta: { band: name },
      }),
    ),
  );
  const mean = chosen.reduce((sum, row) => sum + words(row), 0) / wanted;
  console.log(
    `${name}: ${wanted} of ${short.length} short rows (${rows.length} in all), ${mean.toFixed(1)} words on average`,
  );
}
await writeJsonLines(need('out'), out);
