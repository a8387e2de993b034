import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importEvaluation } from '../../../src/workflow/eval-import.js';
import { reportEvaluation } from '../../../src/workflow/eval-report.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { made, PASSED, prefers, writeMade } from '../result/made-evaluation.js';

const folder = temporaryFolder('eval-import');
let files = 0;
const fileOf = (content: unknown): string => {
  files++;
  const path = join(folder, `file-${files}.json`);
  writeFileSync(path, JSON.stringify(content));
  return path;
};
const outOf = (): string => {
  files++;
  return join(folder, `out-${files}`);
};
const jsonIn = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));

const resamples = 300;

describe("importing AlpacaEval's files", () => {
  it('makes of our own files the evaluation that they were written from', async () => {
    const first = outOf();
    writeMade(
      first,
      made({
        sets: { koala: 30, vicuna: 12 },
        arms: { base: 1, phased: 3, other: 1 },
        bands: 0,
        lengthOf: (_arm, _row, uniform) => 5 + 40 * uniform(),
        judges: {
          'gpt-4 "turbo"': ({ uniform, row, arm }) =>
            arm === 'other' && row === 3 ? 'refusal' : row % 9 === 0 ? [1, 0] : prefers(0.6, 0.2)({ uniform } as never),
        },
        about: { 'gpt-4 "turbo"': PASSED },
      }),
    );
    const { result: before } = await reportEvaluation({ folder: first, resamples });
    const out = outOf();
    const imported = await importEvaluation({ files: [join(first, 'annotations.json')], out });
    expect(imported).toMatchObject({
      baseline: 'base',
      arms: ['phased', 'other'],
      rows: 42,
      verdicts: 168,
      missing: 1,
    });
    const { result: after } = await reportEvaluation({ folder: out, resamples });
    // AlpacaEval has no fields for tokens and the entrance test.
    const same = ({ arms, missing, sets, surprising }: typeof before) => ({ arms, missing, sets, surprising });
    const known = JSON.parse(JSON.stringify(same(before), (key, value) => (key === 'averageTokens' ? null : value)));
    expect(JSON.parse(JSON.stringify(same(after)))).toEqual(known);
    for (const name of ['annotations.json', 'leaderboard.csv'])
      expect(readFileSync(join(out, name), 'utf8')).toBe(readFileSync(join(first, name), 'utf8'));
  });

  it("reports another program's file, and writes its fields back", async () => {
    const row = (i: number, rest: object) => ({
      instruction: `Question ${i}`,
      output_1: `reference ${i}`,
      generator_1: 'text_davinci_003',
      dataset: 'helpful_base',
      output_2: `mine ${i}`,
      generator_2: 'org/mine: v2',
      annotator: 'alpaca_eval_gpt4',
      ...rest,
    });
    const rows = [
      row(1, { preference: 2, preference_price_per_example: 0.5, preference_raw_completion: { logprobs: [1] } }),
      row(2, { preference: 0, time_per_example: 2, preference_price_per_example: 0.25 }),
      row(3, { preference: -1 }),
      row(4, { preference: 1.25, glm_preference: 0.3 }),
      // A row that the file has twice is two rows, as alpaca-eval counts them.
      row(1, { preference: 2 }),
    ];
    const out = outOf();
    expect(await importEvaluation({ files: [fileOf(rows)], out })).toMatchObject({
      baseline: 'text_davinci_003',
      arms: ['org-mine- v2'],
      judges: ['alpaca_eval_gpt4'],
      rows: 5,
      missing: 1,
    });
    const { result, problem } = await reportEvaluation({ folder: out, resamples, maxMissing: 0.5 });
    expect(problem).toBeUndefined();
    expect(result.arms['org-mine- v2']).toMatchObject({
      winRate: (100 * (1 + 0.5 + 0.25 + 1)) / 4,
      wins: 2,
      ties: 1,
      losses: 1,
      missingBy: { unknown: 1 },
    });
    expect(result.judge).toMatchObject({ spent: { requests: 2, dollars: 0.75 }, consistency: null, position: null });
    const back = jsonIn(out, 'annotations.json') as Record<string, unknown>[];
    const plain = back.map(({ phasetune: _, ...rest }) => rest);
    const preferences = [2, 1.5, null, 1.25, 2];
    const wanted = rows.map((one, i) => ({ ...one, preference: preferences[i] }));
    const entries = (all: readonly object[]) => all.map((one) => Object.entries(one).sort());
    expect(entries(plain)).toEqual(entries(wanted));
  });

  it('makes arms of the answers of several models, and writes them back', async () => {
    const outputs = (generator: string, extra: object = {}) =>
      ['a', 'b', 'a'].map((instruction, i) => ({
        instruction,
        output: `${generator} ${i}`,
        generator,
        dataset: 'koala',
        ...extra,
      }));
    const out = outOf();
    const imported = await importEvaluation({
      files: [fileOf(outputs('first')), fileOf(outputs('second', { datasplit: 'eval' }))],
      out,
      baseline: 'second',
    });
    expect(imported).toMatchObject({
      baseline: 'second',
      arms: ['first'],
      judges: [],
      rows: 3,
      answers: 6,
      verdicts: 0,
    });
    expect(existsSync(join(out, 'verdicts.jsonl'))).toBe(false);
    const { result } = await reportEvaluation({ folder: out });
    expect(result.judge).toBeNull();
    const back = jsonIn(out, 'answers/second/model_outputs.json') as Record<string, unknown>[];
    expect(back.map(({ id: _, ...rest }) => rest)).toEqual(outputs('second', { datasplit: 'eval' }));
    expect(new Set(back.map(({ id }) => id)).size).toBe(3);
  });

  const verdict = { instruction: 'i', output_1: 'x', output_2: 'y', generator_1: 'r', generator_2: 'm', preference: 1 };

  it.each([
    [[{ question: 'a' }], /row 1: expected a verdict .* or an answer .*, found the fields question/],
    [[], /no rows; expected verdicts or answers/],
    [
      [verdict, { ...verdict, instruction: 'j', generator_1: 'other' }],
      /row 2: expected one model that all others are compared with, found r and other/,
    ],
    [
      [verdict, { ...verdict, generator_2: 'n', output_1: 'z' }],
      /row 2: r has another answer to this instruction in .*row 1; expected one answer of each model/,
    ],
  ])('refuses %j', async (rows, message) => {
    const out = outOf();
    await expect(importEvaluation({ files: [fileOf(rows)], out })).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });

  it('refuses models without a row in common, another baseline than the reference, and a folder with something in it', async () => {
    const answer = (instruction: string, generator: string) => ({ instruction, output: 'o', generator });
    const apart = [fileOf([answer('a', 'one')]), fileOf([answer('b', 'two')])];
    await expect(importEvaluation({ files: apart, out: outOf() })).rejects.toThrow(
      /two and one answered no instruction in common/,
    );
    await expect(importEvaluation({ files: [fileOf([verdict])], out: outOf(), baseline: 'm' })).rejects.toThrow(
      /expected the baseline m, but the verdicts are against r/,
    );
    const out = outOf();
    await importEvaluation({ files: [fileOf([verdict])], out });
    await expect(importEvaluation({ files: [fileOf([verdict])], out })).rejects.toThrow(/is not empty/);
    await importEvaluation({ files: [fileOf([{ ...verdict, preference: 2 }])], out, force: true });
    expect((await reportEvaluation({ folder: out, resamples })).result.arms.m!.winRate).toBe(100);
  });

  it('one model alone has nothing to be compared with', async () => {
    const out = outOf();
    await importEvaluation({ files: [fileOf([{ instruction: 'a', output: 'b', generator: 'one' }])], out });
    await expect(reportEvaluation({ folder: out })).rejects.toMatchObject({ code: 'usage' });
  });
});
