import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { random } from '../../../src/core/random.js';
import { drawPairs } from '../../../src/eval/people/draw-pairs.js';
import { peopleFigures } from '../../../src/eval/people/people.js';
import { peopleSchema } from '../../../src/eval/people/people-schema.js';
import { answersHash, pairKey, pairsToRate } from '../../../src/eval/people/rated-pair.js';
import { readSheets } from '../../../src/eval/people/read-sheets.js';
import { peopleBlocks } from '../../../src/eval/people/report.js';
import { SHEET_COLUMNS, sheetOf } from '../../../src/eval/people/sheet.js';
import type { Evaluation } from '../../../src/eval/result/evaluation.js';
import { writeCsv } from '../../../src/io/csv.js';
import { plainLines } from '../../../src/telemetry/document.js';
import { temporaryFolder } from '../../helpers/folder.js';

const folder = temporaryFolder('people');
const OPTIONS = { resamples: 2000, level: 0.95, seed: 3 };

/** What people would say of an arm and a row: 1, 1/2 or 0 for the arm. */
type Truth = (arm: string, row: number) => number;

/** An evaluation of two arms, with a judge's verdicts `x` of every pair. */
function evaluation(rows: number, x: Truth, { equal = 0 } = {}): Evaluation {
  const arms = ['base', 'one', 'two'];
  const made = Array.from({ length: rows }, (_, i) => ({
    set: i % 3 === 0 ? 'small' : 'large',
    id: `row-${i}`,
    instruction: `=Ask ${i}`,
    band: 1 + (i % 2),
    score: undefined,
    reference: undefined,
  }));
  const output = (arm: string, i: number) => (i < equal ? 'the same' : `-${arm} says ${i}, "quoted"\nand more`);
  return {
    file: {
      baseline: 'base',
      arms: Object.fromEntries(arms.map((arm) => [arm, { runs: [{ source: arm }] }])),
      judges: { length: { control: true }, good: { control: false } },
    } as unknown as Evaluation['file'],
    rows: made,
    arms: new Map(arms.map((arm) => [arm, [made.map((row, i) => ({ ...row, output: output(arm, i) }) as never)]])),
    verdicts: ['one', 'two'].flatMap((arm) =>
      made.map(({ set, id }, i) => ({
        judge: 'good',
        set,
        id,
        baseline: 'base',
        arm,
        run: 1,
        baselineRun: 1,
        state: i < equal ? ('equal' as const) : ('judged' as const),
        x: i < equal ? 0.5 : x(arm, i),
        orders: [],
      })),
    ),
  };
}

const rowOf = (id: string) => Number(id.split('-')[1]);

/** Draws a sheet and writes it and its key under a name; `rate` fills a cell for a pair. */
async function sheet(
  made: Evaluation,
  name: string,
  rows: number,
  columns: Readonly<Record<string, (arm: string, row: number, first: string) => string>>,
) {
  const drawn = drawPairs(pairsToRate(made), made.verdicts, { rows, seed: 1 });
  const { rows: lines, key } = sheetOf(drawn, 1);
  const filled = lines.map((line, i) => {
    const { arm, id, first } = key.pairs[i]!;
    return [...line.slice(0, 4), ...Object.values(columns).map((rate) => rate(arm, rowOf(id), first))];
  });
  const path = join(folder, `${name}.csv`);
  await writeCsv(path, [...SHEET_COLUMNS.slice(0, 4), ...Object.keys(columns)], filled);
  writeFileSync(path.replace('.csv', '.key.json'), JSON.stringify(key));
  return { path, key, drawn };
}

const letter = (score: number, first: string) =>
  score === 0.5 ? 'tie' : (score === 1) === (first === 'arm') ? 'A' : 'B';

describe('a sheet', () => {
  const made = evaluation(200, (_, i) => [0, 0.5, 1][i % 3]!, { equal: 20 });

  test('has each pair at most once, in the proportions of arm, set, band and verdict, half of them with the arm first', () => {
    const pairs = pairsToRate(made);
    expect(pairs.length).toBe(2 * 180);
    const drawn = drawPairs(pairs, made.verdicts, { rows: 90, seed: 5 });
    expect(new Set(drawn.map(pairKey)).size).toBe(90);
    const said = new Map(made.verdicts.map((one) => [pairKey(one), one.x]));
    const shares: ((pair: (typeof pairs)[number]) => unknown)[] = [
      ({ arm }) => arm,
      ({ set }) => set,
      ({ band }) => band,
      (pair) => said.get(pairKey(pair)),
    ];
    for (const of of shares)
      for (const value of new Set(pairs.map(of))) {
        const [own, all] = [drawn, pairs].map((list) => list.filter((pair) => of(pair) === value).length);
        // Of 2 arms × 2 sets × 2 bands × 3 verdicts, each stratum is off by less than one.
        expect(Math.abs(own! - (90 * all!) / pairs.length)).toBeLessThan(12);
      }
    expect(drawn.filter(({ first }) => first === 'arm').length).toBe(45);
    expect(drawPairs(pairs, made.verdicts, { rows: 90, seed: 5 })).toEqual(drawn);
    expect(drawPairs(pairs, made.verdicts, { rows: 90, seed: 6 })).not.toEqual(drawn);
  });

  test('can have all pairs, and no more', () => {
    const pairs = pairsToRate(made);
    const all = drawPairs(pairs, made.verdicts, { rows: pairs.length, seed: 0 });
    expect(new Set(all.map(pairKey)).size).toBe(pairs.length);
    expect(() => drawPairs(pairs, [], { rows: pairs.length + 1, seed: 0 })).toThrow(/361 pairs to draw, but only 360/);
  });

  test('shows neither arms nor ids nor verdicts, and its key has the places of both answers', () => {
    const drawn = drawPairs(pairsToRate(made), made.verdicts, { rows: 12, seed: 2 });
    const { rows, key } = sheetOf(drawn, 2);
    for (const [i, [pair, instruction, a, b, better]] of rows.entries()) {
      const { first, answers, id, arm } = key.pairs[i]!;
      expect(better).toBe('');
      expect(pair).toMatch(/^p[0-9a-f]{6}-\d{3}$/);
      expect(instruction).toBe(`=Ask ${rowOf(id)}`);
      const text = (who: string) => `-${who} says ${rowOf(id)}, "quoted"\nand more`;
      expect([a, b]).toEqual(first === 'arm' ? [text(arm), text('base')] : [text('base'), text(arm)]);
      expect(answers).toBe(answersHash({ answers: { baseline: text('base'), arm: text(arm) } }));
    }
    expect(JSON.stringify(key)).not.toContain('says');
  });
});

describe('filled sheets', () => {
  const made = evaluation(60, (_, i) => [0, 0.5, 1][i % 3]!);
  const truth = (_: string, i: number) => [0, 0.5, 1][i % 3]!;

  test('give votes for arms, whichever answer stood first, in any spelling', async () => {
    const spellings: Record<string, string[]> = {
      A: ['A', 'a', ' A ', 'Ａ', 'a.'],
      B: ['B', 'b', 'B!'],
      tie: ['tie', 'Tie', 'TIE ', 'draw', 'equal', "'=", 'a = b'],
    };
    const { path, key } = await sheet(made, 'spelled', 30, {
      better: (arm, i, first) => {
        const words = spellings[letter(truth(arm, i), first)]!;
        return words[i % words.length]!;
      },
    });
    const { people, problems, blank } = await readSheets([path]);
    expect([problems, blank, people.length, people[0]!.name]).toEqual([[], 0, 1, 'spelled']);
    for (const { pair, id, arm } of key.pairs)
      expect(people[0]!.ratings.get(pair)).toBe({ 0: 'baseline', 0.5: 'tie', 1: 'arm' }[truth(arm, rowOf(id))]);
  });

  test('of several people: columns of one sheet, copies of it, blank cells and cells that say nothing', async () => {
    const { path, key } = await sheet(made, 'columns', 10, {
      better: () => 'A',
      'better Anna': (_, i) => (i % 2 === 0 ? 'B' : ''),
      'better: Bob': () => 'maybe',
    });
    const copy = join(folder, 'copy of it.csv');
    await writeCsv(
      copy,
      ['pair', 'better'],
      [
        [key.pairs[0]!.pair, 'tie'],
        [key.pairs[0]!.pair, 'A'],
        ['p000000-001', 'A'],
        ['p000000-002', ''],
      ],
    );
    const { people, problems, blank } = await readSheets([path, copy]);
    expect(people.map(({ name }) => name)).toEqual(['columns', 'Anna', 'Bob', 'copy of it']);
    const even = key.pairs.filter(({ id }) => rowOf(id) % 2 === 0).length;
    expect(people.map(({ ratings }) => ratings.size)).toEqual([10, even, 0, 1]);
    expect(blank).toBe(10 - even + 1);
    expect(problems.length).toBe(12);
    expect(problems[0]).toMatch(/columns\.csv:\d+: expected A, B or tie for p[0-9a-f]{6}-001, found "maybe"/);
    expect(problems.slice(10)).toEqual([
      expect.stringMatching(/copy of it\.csv:3: .* is rated in an earlier row already/),
      expect.stringMatching(/copy of it\.csv:4: "p000000-001" is no pair of this sheet/),
    ]);
  });

  test('without their columns, key or any rating are refused by name', async () => {
    const path = join(folder, 'odd.csv');
    writeFileSync(path, 'id,rating\n1,A\n');
    await expect(readSheets([path])).rejects.toThrow(
      /odd\.csv: expected a sheet with the column pair and the column better, found only id, rating/,
    );
    writeFileSync(path, 'pair,better\npffffff-001,A\n');
    await expect(readSheets([path])).rejects.toThrow(
      /odd\.csv: the key of its pairs \(pffffff\) is missing; expected odd\.key\.json beside it/,
    );
    const { path: empty } = await sheet(made, 'empty', 5, { better: () => '' });
    await expect(readSheets([empty])).rejects.toThrow(/empty\.csv: nothing is rated; expected A, B or tie/);
  });
});

describe('what people say', () => {
  test('agreement, kappa and the ceiling are those counted by hand', async () => {
    // The judge: row mod 3 gives lost, tie, won. Anna agrees always; Bob says tie where the judge says lost.
    const made = evaluation(30, (_, i) => [0, 0.5, 1][i % 3]!);
    const score = (_: string, i: number) => [0, 0.5, 1][i % 3]!;
    const { path } = await sheet(made, 'hand', 60, {
      'better Anna': (arm, i, first) => letter(score(arm, i), first),
      'better Bob': (arm, i, first) => (score(arm, i) === 0 ? 'tie' : letter(score(arm, i), first)),
    });
    const people = peopleFigures(made, await readSheets([path]), OPTIONS);
    expect(peopleSchema.parse(people)).toEqual(people);
    expect(people.people).toEqual([
      { name: 'Anna', rated: 60 },
      { name: 'Bob', rated: 60 },
    ]);
    const judge = people.judges.good!;
    // 120 votes; Bob's 20 ties on lost pairs differ.
    expect(judge).toMatchObject({ votes: 120, pairs: 60, agreement: { value: 100 / 120 }, decided: { value: 1 } });
    // Chance: judge 1/3 each; people 20 lost, 60 tie, 40 won of 120.
    const chance = (20 / 120 + 60 / 120 + 40 / 120) / 3;
    expect(judge.kappa.value).toBeCloseTo((100 / 120 - chance) / (1 - chance), 12);
    const { agreement, kappa, votes } = people.amongPeople!;
    expect([agreement.value, votes]).toEqual([40 / 60, 60]);
    // In both orders: lost 20, tie 60, won 40 of 120 on either side.
    const among = (20 ** 2 + 60 ** 2 + 40 ** 2) / 120 ** 2;
    expect(kappa.value).toBeCloseTo((40 / 60 - among) / (1 - among), 12);
    expect(agreement.low!).toBeLessThan(40 / 60);
    expect(agreement.high!).toBeGreaterThan(40 / 60);
    // All pairs are rated: nothing is left to be corrected by.
    for (const arm of ['one', 'two']) {
      const { people: own, corrected } = people.arms[arm]!;
      expect(own).toMatchObject({ winRate: (100 * (0.25 * 10 + 0.5 * 10 + 10)) / 30, n: 30 });
      expect(corrected).toMatchObject({ winRate: own.winRate, weight: 0, n: 30 });
    }
    expect(people.judges.length!.votes).toBe(0);
  });

  test('verdicts in another order, or about rows that are gone, change no byte of it', async () => {
    const { normal } = random(4, 'order');
    const made = evaluation(60, () => 1 / (1 + Math.exp(-normal())));
    const { path } = await sheet(made, 'order', 20, { better: (_, i, first) => letter(i % 2, first) });
    const ratings = await readSheets([path]);
    const bytes = (verdicts: Evaluation['verdicts']) =>
      JSON.stringify(peopleFigures({ ...made, verdicts }, ratings, { ...OPTIONS, resamples: 200 }));
    expect(bytes(made.verdicts.toReversed())).toBe(bytes(made.verdicts));
    expect(bytes([...made.verdicts, { ...made.verdicts[0]!, id: 'gone' }])).toBe(bytes(made.verdicts));
  });

  test('the corrected rate contains the truth where the judge flatters the arm, and is narrower than people alone', () => {
    const [worlds, rows, rated] = [40, 400, 100];
    let [covered, judgeCovers, narrower] = [0, 0, 0];
    for (let world = 0; world < worlds; world++) {
      const rng = random(world, 'people');
      const truth = Array.from({ length: rows }, () => Number(rng.uniform() < 0.5));
      // The judge says what people say in 85 % of rows, and otherwise that the arm won.
      const x = truth.map((score) => (rng.uniform() < 0.85 ? score : 1));
      const made = evaluation(rows, (_, i) => x[i]!);
      const { key } = sheetOf(drawPairs(pairsToRate(made), made.verdicts, { rows: 2 * rated, seed: world }), world);
      const said = new Map(
        key.pairs.map(({ pair, id }) => [pair, truth[rowOf(id)] === 1 ? 'arm' : 'baseline'] as const),
      );
      const ratings = {
        people: [{ name: 'all', ratings: said }],
        pairs: new Map(key.pairs.map((pair) => [pair.pair, pair])),
        problems: [],
        blank: 0,
      };
      const { people, corrected, judge } = peopleFigures(made, ratings, { ...OPTIONS, resamples: 100 }).arms.one!;
      const real = (100 * truth.reduce((sum, score) => sum + score, 0)) / rows;
      covered += Number(corrected!.low! <= real && real <= corrected!.high!);
      judgeCovers += Number(judge.low! <= real && real <= judge.high!);
      narrower += Number(corrected!.high! - corrected!.low! < people.high! - people.low!);
    }
    // Of 40 intervals of 95 %, fewer than 32 contain the truth with a probability of 2 in 10,000.
    expect(covered).toBeGreaterThanOrEqual(32);
    expect(judgeCovers).toBeLessThan(20);
    expect(narrower).toBeGreaterThanOrEqual(36);
  });

  test('equal answers count as ties, changed ones not at all', async () => {
    const score = (_: string, i: number) => Number(i % 2 === 0);
    const made = evaluation(40, score, { equal: 20 });
    const { path } = await sheet(made, 'changed', 40, { better: (arm, i, first) => letter(score(arm, i), first) });
    const ratings = await readSheets([path]);
    expect(peopleFigures(made, ratings, OPTIONS).arms.one!.corrected!.winRate).toBeCloseTo(50, 9);
    const all = evaluation(40, () => 1, { equal: 20 });
    const won = peopleFigures(
      all,
      await readSheets([(await sheet(all, 'won', 20, { better: (_a, _i, first) => letter(1, first) })).path]),
      OPTIONS,
    );
    expect(won.arms.one!.corrected).toMatchObject({ winRate: 75, low: 75, high: 75 });
    const later = {
      ...made,
      arms: new Map(
        [...made.arms].map(([arm, runs]) => [
          arm,
          runs.map((answers) => answers.map((one) => (arm === 'two' ? { ...one!, output: 'new' } : one))),
        ]),
      ),
    };
    const now = peopleFigures(later, ratings, OPTIONS);
    expect([now.outdated, now.pairs]).toEqual([20, 20]);
    expect(now.arms.two!.corrected).toBeNull();
    expect(now.arms.two!.people).toEqual({ winRate: null, low: null, high: null, n: 0 });
  });

  test('the report says it in words', async () => {
    const made = evaluation(30, (_, i) => Number(i % 2 === 0));
    const { path } = await sheet(made, 'words', 30, {
      better: (_, i, first) => (i === 4 ? 'perhaps' : letter(Number(i % 3 === 0), first)),
    });
    const people = peopleFigures(made, await readSheets([path]), OPTIONS);
    const text = plainLines(peopleBlocks(people, 'base')).join('\n');
    expect(text).toMatch(/People rated \d+ pairs without knowing the arms \(words \d+\)/);
    expect(text).toMatch(/it is not known how far people agree with each other/);
    expect(text).toMatch(/agreement with people +all votes, %/);
    expect(text).toMatch(/corrected/);
    if (people.unreadable.length > 0) expect(text).toMatch(/found "perhaps"/);
  });
});
