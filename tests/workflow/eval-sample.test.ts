import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkAnswer } from '../../src/eval/checks/checks.js';
import { evalPaths, writeEvalFile } from '../../src/eval/eval-file.js';
import { peopleFigures } from '../../src/eval/people/people.js';
import { readSheets } from '../../src/eval/people/read-sheets.js';
import type { SheetKey } from '../../src/eval/people/sheet.js';
import { readEvaluation } from '../../src/eval/result/evaluation.js';
import { makeFolder } from '../../src/io/files.js';
import { readJson } from '../../src/io/json.js';
import { writeJsonLines } from '../../src/io/jsonl.js';
import { reportEvaluation } from '../../src/workflow/eval-report.js';
import { samplePairs } from '../../src/workflow/eval-sample.js';
import { temporaryFolder } from '../helpers/folder.js';

const ROWS = 20;

/** An evaluation's folder: 20 rows, of which the judge says that the arm won. */
async function evaluationFolder(): Promise<string> {
  const folder = temporaryFolder('sampled');
  const paths = evalPaths(folder);
  for (const arm of ['base', 'secret-arm']) {
    await makeFolder(join(folder, 'answers', arm));
    const rows = Array.from({ length: ROWS }, (_, i) => {
      const [instruction, output] = [`=SUM(A${i})`, `+answer ${i} of ${arm === 'base' ? 'one' : 'other'}`];
      return { id: `row-${i}`, instruction, output, checks: checkAnswer({ instruction, output }), key: `${arm}-${i}` };
    });
    await writeJsonLines(paths.answers(arm, 1, 'held-out'), rows);
  }
  const pair = { judge: 'my-judge', set: 'held-out', baseline: 'base', arm: 'secret-arm', run: 1, baselineRun: 1 };
  await writeJsonLines(
    paths.verdicts,
    Array.from({ length: ROWS }, (_, i) => ({ ...pair, id: `row-${i}`, state: 'judged', x: 1, orders: [] })),
  );
  await writeEvalFile(folder, {
    schema: 'phasetune/evaluation',
    version: 1,
    versions: {},
    begunIn: folder,
    baseline: 'base',
    sets: [{ name: 'held-out', path: 'held-out.jsonl', sha256: '00', rows: ROWS, chosen: ROWS }],
    seed: 0,
    arms: { base: { runs: [{ source: 'base' }] }, 'secret-arm': { runs: [{ source: 'secret-arm' }] } },
    answering: {},
    judges: { 'my-judge': { kind: 'llm', about: {}, control: false } },
  });
  return folder;
}

describe('samplePairs', () => {
  test('writes a sheet that a spreadsheet can open and fill, and that shows nothing', async () => {
    const folder = await evaluationFolder();
    const out = join(folder, 'sheet.csv');
    const sampled = await samplePairs({ folder, out, rows: 10 });
    expect(sampled).toMatchObject({ out, rows: 10, of: ROWS, seed: 0, key: join(folder, 'sheet.key.json') });
    const text = readFileSync(out, 'utf8');
    expect(text).not.toMatch(/secret-arm|row-|my-judge/);
    // What a spreadsheet would take for a formula has a mark before it.
    expect(text).toMatch(/,'=SUM\(A\d+\),'\+answer/);
    expect(readFileSync(sampled.guide, 'utf8')).toMatch(/`A`, `B`, or `tie`/);
    // As a spreadsheet in German saves it: semicolons, and the marks kept.
    const filled = text
      .trim()
      .split('\n')
      .map((line, i) => (i === 0 ? line.replaceAll(',', ';') : `${line.trim().replaceAll(',', ';')}A`));
    writeFileSync(out, `${filled.join('\r\n')}\r\n`);
    const ratings = await readSheets([out]);
    expect(ratings.problems).toEqual([]);
    const options = { resamples: 100, level: 0.95, seed: 0 };
    const people = peopleFigures(await readEvaluation(folder), ratings, options);
    expect(people).toMatchObject({ pairs: 10, outdated: 0 });
    // Everybody said A; the arm was A in half of the pairs.
    expect(people.arms['secret-arm']!.people).toMatchObject({ winRate: 50, n: 10 });
    expect(people.judges['my-judge']!.agreement.value).toBe(0.5);
  });

  test('and its report has what people say', async () => {
    const folder = await evaluationFolder();
    const [out, other] = [join(folder, 'sheet.csv'), join(folder, 'ben.csv')];
    const { key } = await samplePairs({ folder, out, rows: 12, seed: 4 });
    const { pairs } = JSON.parse(readFileSync(key, 'utf8')) as SheetKey;
    const rated = (name: string, skip: number) =>
      ['pair,better', ...pairs.map(({ pair, first }, i) => `${pair},${i < skip ? '' : first === 'arm' ? 'A' : 'b'}`)]
        .concat(`${pairs[0]!.pair},${name}?`)
        .join('\n');
    writeFileSync(out, rated('anna', 1));
    writeFileSync(other, rated('ben', 2));
    const { result, report } = await reportEvaluation({ folder, people: [out, other], resamples: 200 });
    expect(result.people).toMatchObject({
      people: [
        { name: 'sheet', rated: 11 },
        { name: 'ben', rated: 10 },
      ],
      pairs: 11,
      amongPeople: { votes: 10, agreement: { value: 1 } },
      judges: { 'my-judge': { votes: 21, agreement: { value: 1 } } },
      arms: { 'secret-arm': { people: { winRate: 100, n: 11 }, corrected: { winRate: 100, n: 11 } } },
    });
    expect(result.people!.unreadable).toEqual([
      expect.stringMatching(/sheet\.csv:14: expected A, B or tie for p\w+-001, found "anna\?"/),
      expect.stringMatching(/ben\.csv:14: .* found "ben\?"/),
    ]);
    expect(await readJson(evalPaths(folder).result)).toEqual(JSON.parse(JSON.stringify(result)));
    expect(readFileSync(report, 'utf8')).toMatch(/## People\n\nPeople rated 11 pairs without knowing the arms/);
    // Without sheets the report says nothing of people.
    expect((await reportEvaluation({ folder, resamples: 200 })).result.people).toBeUndefined();
  });

  test('does not replace a sheet, except with `force`', async () => {
    const folder = await evaluationFolder();
    const out = join(folder, 'sheet.csv');
    await samplePairs({ folder, out, rows: 5 });
    await expect(samplePairs({ folder, out, rows: 5 })).rejects.toThrow(/sheet\.csv exists, and ratings may be in/);
    expect((await samplePairs({ folder, out, rows: 6, force: true })).rows).toBe(6);
  });

  test('refuses what cannot be', async () => {
    const folder = await evaluationFolder();
    const out = join(folder, 'sheet.csv');
    await expect(samplePairs({ folder, out: 'sheet.txt' })).rejects.toMatchObject({ code: 'usage' });
    await expect(samplePairs({ folder, out, rows: 99 })).rejects.toThrow(/99 pairs to draw, but only 20 have two/);
    await expect(samplePairs({ folder, out, arm: 'base' })).rejects.toThrow(/base is not compared with base/);
    await expect(samplePairs({ folder: join(folder, 'answers'), out })).rejects.toMatchObject({ code: 'data' });
  });
});
