import { random } from '../../src/core/random.js';
import type { InstructionRecord } from '../../src/data/record.js';
import { capital, type Draft, dress, type Kind, scoreOf } from './draft.js';
import { extract, json } from './facts.js';
import { inflect, opposite } from './language.js';
import { count, odd, pick, sort } from './lists.js';
import { convert } from './measures.js';
import { compare, sum } from './numbers.js';
import { calendar, date, pattern } from './sequences.js';

/** The kinds of the demo set by name. */
export const KINDS: Readonly<Record<string, Kind>> = {
  pick,
  count,
  sort,
  odd,
  opposite,
  inflect,
  sum,
  convert,
  compare,
  pattern,
  calendar,
  date,
  extract,
  json,
};

/** Seed of the committed file. */
export const DEMO_SEED = 20240607;

/** Levels of difficulty, each with as many rows of every kind: a row's level is its score, rounded. */
const LEVELS = 5;
const ROWS_A_LEVEL = 43;
const MOST_DRAWS = 200_000;

/** The demo set: for each kind and level 43 rows, no two with the same words or the same question, in random order. */
export function demoRecords(seed: number): InstructionRecord[] {
  const records = Object.entries(KINDS).flatMap(([name, kind]) => rowsOf(name, kind, seed));
  return random(seed, 'demo', 'order').shuffle(records);
}

function rowsOf(name: string, kind: Kind, seed: number): InstructionRecord[] {
  const rng = random(seed, 'demo', name);
  const free = new Array<number>(LEVELS + 1).fill(ROWS_A_LEVEL);
  const seen = new Set<string>();
  const rows: InstructionRecord[] = [];
  for (let draw = 0; rows.length < LEVELS * ROWS_A_LEVEL; draw++) {
    if (draw > MOST_DRAWS) throw new Error(`kind ${name}: no row found for levels with room left: ${free.slice(1)}`);
    const draft = kind(rng);
    const score = scoreOf(draft.load);
    const level = Math.round(score);
    const prompt = capital(draft.prompt);
    if (free[level] === 0 || seen.has(draft.key)) continue;
    seen.add(draft.key);
    free[level]!--;
    rows.push(
      toRecord(
        `${name}-${String(rows.length + 1).padStart(3, '0')}`,
        name,
        { ...draft, prompt: dress(rng, prompt) },
        score,
      ),
    );
  }
  return rows;
}

const toRecord = (id: string, kind: string, { prompt, answer }: Draft, score: number): InstructionRecord => ({
  id,
  messages: [
    { role: 'user', content: prompt },
    { role: 'assistant', content: answer },
  ],
  score,
  meta: { kind, answer },
});

/** The file's text: a record a line. */
export const toJsonLines = (records: readonly InstructionRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
