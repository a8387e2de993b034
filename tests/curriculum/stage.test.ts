import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hash.js';
import { estimatedLengths, tokenizerLengths } from '../../src/curriculum/lengths.js';
import type { StagingPlan } from '../../src/curriculum/staging-options.js';
import { stagingWarnings } from '../../src/curriculum/warnings.js';
import type { InstructionRecord } from '../../src/data/record.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { idsIn, planOf, row, rowsOf, staged } from './rows.js';

const many = (n: number) => rowsOf(...Array.from({ length: n }, (_, i) => 1 + (i % 40) / 10));
const refused = (rows: InstructionRecord[], plan: Parameters<typeof planOf>[0], message: string) =>
  expect(() => staged(rows, planOf(plan))).toThrow(
    expect.objectContaining({ code: 'data', message: expect.stringContaining(message) }),
  );
const warnings = (rows: InstructionRecord[], plan: Partial<StagingPlan>, tokens?: number[]) =>
  stagingWarnings({ ...staged(rows, planOf(plan), tokens), counted: 'estimate', dropped: 0, leftOut: 0 });
/** Rows of like length that have nothing in common. */
const unlike = (...scores: number[]) => scores.map((score, i) => row(`r${i + 1}`, score, `q${1000 + i}`));

describe('stageRows', () => {
  it('tells rows, tokens, lengths and scores of each stage', () => {
    const rows = rowsOf(5, 1, 3, 2, 6, 4);
    const staging = staged(rows, planOf(), [1, 2, 4, 8, 16, 32]);
    expect(staging.stages).toEqual([
      {
        index: 1,
        rows: 2,
        heldOut: 0,
        tokens: 2 + 8,
        lengths: { median: 2, p90: 8 },
        scores: { min: 1, max: 2, mean: 1.5 },
      },
      {
        index: 2,
        rows: 2,
        heldOut: 0,
        tokens: 4 + 32,
        lengths: { median: 4, p90: 32 },
        scores: { min: 3, max: 4, mean: 3.5 },
      },
      {
        index: 3,
        rows: 2,
        heldOut: 0,
        tokens: 1 + 16,
        lengths: { median: 1, p90: 16 },
        scores: { min: 5, max: 6, mean: 5.5 },
      },
    ]);
    expect([1, 2, 3].map((stage) => idsIn(rows, staging, stage, 0))).toEqual([
      ['r2', 'r4'],
      ['r3', 'r6'],
      ['r1', 'r5'],
    ]);
  });

  it('counts the tokens of the rows to train on only', () => {
    const { stages } = staged(many(90), planOf({ holdout: 5 }), new Array(90).fill(7));
    expect(stages.map(({ tokens }) => tokens)).toEqual([175, 175, 175]);
  });

  it('tells how much score and stages have to do with length', () => {
    const rows = rowsOf(1, 2, 3, 4, 5, 6);
    expect(staged(rows, planOf(), [10, 20, 30, 40, 50, 60]).length).toMatchObject({ spearman: 1 });
    expect(staged(rows, planOf(), [5, 5, 5, 5, 5, 5]).length).toEqual({ etaSquared: 0 });
    expect(staged(rows, planOf(), [7, 7, 70, 70, 700, 700]).length.etaSquared).toBe(1);
  });

  it('refuses too few rows', () => {
    refused(rowsOf(1, 2), {}, '2 scored rows for 3 stages');
  });

  it.each([
    [[0.5, 4.5], 'stage 1 of 3 (score under 0.5) is empty: the scores go from 1 to 4.9'],
    [[2.01, 2.05], 'stage 2 of 3 (score 2.01 to under 2.05) is empty'],
    [[3, 6], 'stage 3 of 3 (score 6 and over) is empty'],
  ])('names the empty stage of thresholds %j', (thresholds, message) => {
    refused(many(90), { by: 'thresholds', thresholds }, message);
  });

  it('never has near instructions on both sides, and puts every row in one stage and on one side', () => {
    const words = ['red', 'blue', 'tall', 'old'];
    const long =
      'Tell me in plain words why a bridge of stone and steel can carry so many heavy cars every day and does not ever fall down';
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), fc.constantFrom(...words), fc.integer({ min: 1, max: 9 })), {
          minLength: 40,
          maxLength: 70,
        }),
        fc.integer({ min: 0, max: 99 }),
        (drawn, seed) => {
          // Rows of a topic differ in one word of more than 25: near to each other, and to no row of another topic.
          const rows = drawn.map(([topic, word, score], i) =>
            row(
              `r${i}`,
              score,
              long
                .replace('many', word)
                .split(' ')
                .map((w) => `${w}${topic}`)
                .join(' '),
            ),
          );
          const staging = staged(rows, planOf({ stages: 2, holdout: 0.3, seed, nearDuplicates: 0.75 }));
          const sides = new Map<number, number>();
          for (const [i, [topic]] of drawn.entries()) {
            expect(staging.stageOf[i]).toBeLessThan(2);
            expect(sides.get(topic) ?? staging.held[i]).toBe(staging.held[i]);
            sides.set(topic, staging.held[i]!);
          }
          const ways = new Set(drawn.map(([topic, word]) => `${topic} ${word}`)).size;
          expect(staging.duplicates).toMatchObject({ exact: drawn.length - ways, near: ways - sides.size });
          expect(staging.stages.reduce((sum, s) => sum + s.rows + s.heldOut, 0)).toBe(rows.length);
        },
      ),
      { seed: 8, numRuns: 40 },
    );
  });
});

describe('stagingWarnings', () => {
  it('tell ties at a cut, tiny stages, few held-out rows and guessed tokens', () => {
    const rows = unlike(...Array.from({ length: 50 }, (_, i) => (i < 20 ? 1 : i < 40 ? 2 : 3)));
    const found = warnings(rows, { stages: 2, by: 'tokens', holdout: 2 });
    const told = (part: string) => expect(found.filter((warning) => warning.includes(part))).toHaveLength(1);
    told('tokens are estimated');
    told('ties at the cut between stages 1 and 2: of 20 rows with score 2');
    told('stage 1 is tiny: ');
    told('stage 2 is tiny: ');
    told('stage 2 has only 2 held-out rows');
  });

  it('tell a stage that is tiny beside the others', () => {
    const rows = unlike(...Array.from({ length: 3000 }, (_, i) => (i < 40 ? 1 : 2)));
    expect(warnings(rows, { by: 'thresholds', thresholds: [2], stages: 2, holdout: 0 })).toEqual([
      'stage 1 is tiny: 40 rows to train on, 1.3 % of all',
      'no rows are held out: there will be no held-out loss',
    ]);
  });

  it('are silent where nothing is odd, and tell when nothing is held out', () => {
    const rows = unlike(...Array.from({ length: 450 }, (_, i) => i));
    expect(warnings(rows, { holdout: 0.1 })).toEqual([]);
    expect(warnings(rows, { holdout: 0 })).toEqual(['no rows are held out: there will be no held-out loss']);
  });

  it.each([{ by: 'thresholds', thresholds: [1, 2] }, { ties: 'together' }, { by: 'jenks' }] as const)(
    'say nothing of ties where equal scores stay together: %j',
    (plan) => {
      const rows = unlike(...Array.from({ length: 450 }, (_, i) => i % 3));
      expect(warnings(rows, { ...plan, holdout: 0.1 } as Partial<StagingPlan>)).toEqual([]);
    },
  );

  it('tell difficulty that is mostly length, with its sign, and not a weak correlation', () => {
    const rows = unlike(...Array.from({ length: 450 }, (_, i) => i));
    const rising = rows.map((_, i) => 10 + i);
    expect(warnings(rows, { holdout: 0.1 }, rising)).toEqual([
      expect.stringMatching(
        /^difficulty may be mostly length: longer rows score higher \(Spearman 1\.00, .* explain \d\d % .*`by: length`/,
      ),
    ]);
    expect(warnings(rows, { holdout: 0.1 }, rising.toReversed())[0]).toContain(
      'shorter rows score higher (Spearman -1.00',
    );
    expect(
      warnings(
        rows,
        { holdout: 0.1 },
        rows.map((_, i) => 10 + ((i * 97) % 450) + i / 4),
      ),
    ).toEqual([]);
  });

  it('report rows that are connected as near-duplicates', () => {
    const frame =
      'Write in a few short words how somebody who lives alone by the sea, far from any town or road, could go about the task of building a small boat from nothing but driftwood, rope and tar, given this many days:';
    const rows = Array.from({ length: 450 }, (_, i) => row(`r${i}`, i, i < 50 ? `${frame} ${i}` : `q${i}`));
    const found = warnings(rows, { holdout: 0.1 }, new Array(450).fill(9));
    expect(found).toEqual([expect.stringContaining('50 rows are connected as near-duplicates')]);
  });
});

describe('estimatedLengths', () => {
  it('counts a quarter of the characters, at least the words, and four for each turn', async () => {
    const say = (...texts: string[]): InstructionRecord => ({
      id: 'x',
      messages: texts.map((content) => ({ role: 'user', content })),
    });
    expect(await estimatedLengths.count([say('abcdefgh'), say(' a b  c d\ne'), say('', 'abcde')])).toEqual([
      4 + 2,
      4 + 5,
      4 + 0 + 4 + 2,
    ]);
  });
});

describe('tokenizerLengths', () => {
  it('counts the rendered conversation, by the chat template or, without one, the paper template; tells its files', async () => {
    const folder = fileURLToPath(new URL('../../models/tiny-llama', import.meta.url));
    const tokenizer = (hasChatTemplate: boolean) =>
      ({
        folder,
        hasChatTemplate,
        eos: { text: '</s>', id: 2 },
        encodeBatch: async (inputs: readonly { text: string }[]) =>
          inputs.map(({ text }) => ({ ids: [...text].map((_, i) => i), offsets: new Int32Array() })),
        renderChat: (messages: readonly { content: string }[]) => ({
          text: messages.map(({ content }) => `<${content}>`).join(''),
          contents: [],
          generated: [],
        }),
      }) as unknown as Tokenizer;
    const rows = rowsOf(1);
    const chat = await tokenizerLengths(tokenizer(true));
    expect(await chat.count(rows)).toEqual(['<Question r1?><Answer r1.>'.length]);
    expect(await (await tokenizerLengths(tokenizer(false))).count(rows)).toEqual([
      'User: Question r1?</s>\nAssistant: Answer r1.</s>'.length,
    ]);
    expect(chat.tokenizer).toHaveProperty(['tokenizer.json'], sha256(readFileSync(join(folder, 'tokenizer.json'))));
  });
});
