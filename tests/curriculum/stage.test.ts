import { describe, expect, it } from 'vitest';
import { estimateLengths, tokenLengths } from '../../src/curriculum/lengths.js';
import { stageRows } from '../../src/curriculum/stage.js';
import type { InstructionRecord } from '../../src/data/record.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { ids, planOf, row, rowsOf } from './rows.js';

const many = (n: number) => rowsOf(...Array.from({ length: n }, (_, i) => 1 + (i % 40) / 10));
const refused = (rows: InstructionRecord[], plan: Parameters<typeof planOf>[0], message: string) =>
  expect(() => stageRows(rows, planOf(plan))).toThrow(
    expect.objectContaining({ code: 'data', message: expect.stringContaining(message) }),
  );

describe('stageRows', () => {
  it('keeps the rows in their order and tells rows, tokens and scores of each stage', () => {
    const measure = (rows: readonly InstructionRecord[]) => ({
      counted: 'tokenizer' as const,
      tokens: rows.map((_, i) => 2 ** i),
    });
    const staging = stageRows(rowsOf(5, 1, 3, 2, 6, 4), planOf(), measure);
    expect(staging.stages.map(({ index, rows, tokens, scores }) => [index, ids(rows), tokens, scores])).toEqual([
      [1, ['r2', 'r4'], 2 + 8, { min: 1, max: 2, mean: 1.5 }],
      [2, ['r3', 'r6'], 4 + 32, { min: 3, max: 4, mean: 3.5 }],
      [3, ['r1', 'r5'], 1 + 16, { min: 5, max: 6, mean: 5.5 }],
    ]);
    expect(staging.counted).toBe('tokenizer');
  });

  it('sets the stage on trained and held-out rows and changes nothing else', () => {
    const rows = many(90);
    const { stages } = stageRows(rows, planOf({ holdout: 0.1 }));
    for (const { index, rows: trained, heldOut } of stages)
      for (const got of [...trained, ...heldOut]) {
        const { stage, ...rest } = got;
        expect(stage).toBe(index);
        expect(rest).toEqual(rows.find(({ id }) => id === got.id));
      }
  });

  it('counts the tokens of the rows to train on only', () => {
    const measure = (rows: readonly InstructionRecord[]) => ({
      counted: 'tokenizer' as const,
      tokens: rows.map(() => 7),
    });
    const { stages } = stageRows(many(90), planOf({ holdout: 5 }), measure);
    expect(stages.map(({ tokens }) => tokens)).toEqual([175, 175, 175]);
  });

  it('refuses an empty set, too few rows and a score that is no number', () => {
    refused([], {}, 'the set is empty');
    refused(rowsOf(1, 2), {}, '2 scored rows for 3 stages');
    refused([...rowsOf(1, 2, 3), row('x', Number.NaN)], {}, 'row x: expected a number as score, got NaN');
  });

  it('refuses rows without a score by name, or drops them and says so', () => {
    const rows = [...many(90), row('a'), row('b')];
    refused(rows, {}, '2 of 92 rows have no score (a, b)');
    refused([...rows, row('c'), row('d'), row('e'), row('f')], {}, '(a, b, c, d, e, ...)');
    const staging = stageRows(rows, planOf({ unscored: 'drop' }));
    expect(staging.dropped).toBe(2);
    expect(staging.stages.flatMap((stage) => ids(stage.rows)).sort()).toEqual(ids(many(90)).sort());
    expect(staging.warnings[0]).toBe('2 rows without a score were left out');
  });

  it.each([
    [[0.5, 4.5], 'stage 1 of 3 (score under 0.5) is empty: the scores go from 1 to 4.9'],
    [[2.01, 2.05], 'stage 2 of 3 (score 2.01 to under 2.05) is empty'],
    [[3, 6], 'stage 3 of 3 (score 6 and over) is empty'],
  ])('names the empty stage of thresholds %j', (thresholds, message) => {
    refused(many(90), { by: 'thresholds', thresholds }, message);
  });

  it('warns of ties at a cut, tiny stages, few held-out rows and guessed tokens', () => {
    const rows = rowsOf(...Array.from({ length: 50 }, (_, i) => (i < 20 ? 1 : i < 40 ? 2 : 3)));
    const { warnings } = stageRows(rows, planOf({ stages: 2, by: 'tokens', holdout: 2 }));
    const told = (part: string) => expect(warnings.filter((warning) => warning.includes(part))).toHaveLength(1);
    told('tokens are estimated');
    told('ties at the cut between stages 1 and 2: of 20 rows with score 2');
    told('stage 1 is tiny: ');
    told('stage 2 is tiny: ');
    told('stage 2 has only 2 held-out rows');
  });

  it('is silent where nothing is odd, and warns when nothing is held out', () => {
    const rows = rowsOf(...Array.from({ length: 450 }, (_, i) => i));
    expect(stageRows(rows, planOf({ holdout: 0.1 })).warnings).toEqual([]);
    expect(stageRows(rows, planOf({ holdout: 0 })).warnings).toEqual([
      'no rows are held out: there will be no held-out loss',
    ]);
  });

  it('says nothing of ties under thresholds, where equal scores stay together', () => {
    const rows = rowsOf(...Array.from({ length: 450 }, (_, i) => i % 3));
    expect(stageRows(rows, planOf({ by: 'thresholds', thresholds: [1, 2], holdout: 0.1 })).warnings).toEqual([]);
  });
});

describe('estimateLengths', () => {
  it('counts a quarter of the characters, at least the words, and four for each turn', () => {
    const say = (...texts: string[]): InstructionRecord => ({
      id: 'x',
      messages: texts.map((content) => ({ role: 'user', content })),
    });
    expect(estimateLengths([say('abcdefgh'), say('a b c d e'), say('', 'abcde')])).toEqual({
      counted: 'estimate',
      tokens: [4 + 2, 4 + 5, 4 + 0 + 4 + 2],
    });
  });
});

describe('tokenLengths', () => {
  it('counts the rendered conversation, by the chat template or, without one, the paper template', () => {
    const tokenizer = (hasChatTemplate: boolean) =>
      ({
        hasChatTemplate,
        eos: { text: '</s>', id: 2 },
        encode: (text: string) => [...text].map((_, i) => i),
        renderChat: (messages: readonly { content: string }[]) =>
          messages.map(({ content }) => `<${content}>`).join(''),
      }) as unknown as Tokenizer;
    const rows = rowsOf(1);
    expect(tokenLengths(rows, tokenizer(true)).tokens).toEqual(['<Question r1?><Answer r1.>'.length]);
    expect(tokenLengths(rows, tokenizer(false)).tokens).toEqual([
      'User: Question r1?</s>\nAssistant: Answer r1.</s>'.length,
    ]);
  });
});
