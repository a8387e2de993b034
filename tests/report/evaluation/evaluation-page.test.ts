import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vocabularyOf } from '../../../src/cli/wording.js';
import { evalPaths } from '../../../src/eval/eval-file.js';
import { evaluationPage } from '../../../src/report/evaluation/evaluation-page.js';
import { readEvaluationReport } from '../../../src/report/evaluation/read-evaluation-report.js';
import { renderPage } from '../../../src/report/html/render.js';
import type { PageBlock } from '../../../src/report/page.js';
import type { Made } from '../../eval/result/made-evaluation.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { clear, folderOf, of, pageOf, resultIn, section } from './reported.js';

describe('the page of an evaluation with a result', () => {
  it('begins with the answer about every arm, in the words of the result', async () => {
    const folder = await folderOf(clear);
    const page = await pageOf(folder);
    const { arms } = resultIn(folder) as { arms: Record<string, { sentence: string; winRate: number }> };
    expect(page.sections[0]!.id).toBe('answer');
    const notes = of(page.sections[0]!.blocks, 'note').filter(({ tone }) => tone === 'answer');
    expect(notes.map(({ text }) => text)).toEqual(Object.values(arms).map(({ sentence }) => sentence));
    expect(notes[0]!.text).toMatch(/^phased is better than base: win rate/);
    const [{ figure }] = of(page.sections[0]!.blocks, 'figure') as [Extract<PageBlock, { kind: 'figure' }>];
    expect(figure.table.slice(1).map(([name, rate]) => [name, (rate as { value: number }).value])).toEqual(
      Object.entries(arms).map(([name, { winRate }]) => [name, winRate]),
    );
    expect(page.data).toMatchObject({ result: { baseline: 'base' } });
  });

  it('has the parts that it rests on, each with an id of its own', async () => {
    const page = await pageOf(await folderOf(clear));
    const ids = page.sections.map(({ id }) => id);
    expect(ids).toEqual(
      [
        'answer',
        'length',
        'by-set',
        'by-difficulty',
        'the-judge',
        'compared-with-the-reference-answers',
        'what-rules-find-in-the-answers',
        'how-to-read-this',
        'method',
      ].filter((id) => ids.includes(id)),
    );
    expect(ids.length).toBeGreaterThanOrEqual(7);
    const figures = page.sections.flatMap(({ blocks }) => [
      ...of(blocks, 'figure').map(({ figure }) => figure.id),
      ...of(blocks, 'panels').flatMap(({ figures }) => figures.map(({ id }) => id)),
    ]);
    expect(new Set(figures).size).toBe(figures.length);
    expect(figures).toEqual(['win-rates', 'length-1', 'length-2', 'win-rates-by-band']);
  });

  it('names missing verdicts by arm and reason, and gives no verdict where too much is missing', async () => {
    const judges = {
      gpt: ({ row }: { row: number }) => (row < 9 ? 'content-filter' : row < 12 ? 'unreadable' : [1, 1]),
    };
    const page = await pageOf(await folderOf({ ...clear, judges } as Made));
    const [table] = of(section(page, 'missing-verdicts').blocks, 'table');
    expect(table!.rows[0]).toEqual(['arm', 'missing', 'content-filter', 'unreadable', 'all lost, %', 'all won, %']);
    expect(table!.rows[1]!.map((cell) => (typeof cell === 'string' ? cell : cell.text))).toEqual([
      'phased',
      '12 of 60',
      '9',
      '3',
      '80.0',
      '100.0',
    ]);
    const notes = of(section(page, 'answer').blocks, 'note');
    expect(notes.filter(({ tone }) => tone === 'answer').map(({ text }) => text)[0]).toMatch(/^No verdict on phased:/);
    expect(notes.filter(({ tone }) => tone === 'warning').map(({ text }) => text)[0]).toMatch(/12 of 60 verdicts/);
  });

  it('says why the figures of a judge are exploratory, with its entrance test', async () => {
    const entrance = {
      state: 'failed',
      rows: 100,
      wanted: 100,
      seed: 0,
      other: { right: 0.8, low: 0.71, high: 0.87, pairs: 100, missing: 0, needed: 0.75 },
      scrambled: { right: 0.7, low: 0.6, high: 0.78, pairs: 98, missing: 2, needed: 0.85 },
      consistency: 0.4,
      position: -12.5,
      equal: { pairs: 25, tied: 0.2, first: 0.4 },
      reasons: ['it was wrong too often'],
    };
    const page = await pageOf(await folderOf({ ...clear, about: { gpt: { entrance } } }));
    const warnings = of(section(page, 'answer').blocks, 'note').filter(({ tone }) => tone === 'warning');
    expect(warnings.map(({ text }) => text).join()).toContain('failed its entrance test: it was wrong too often');
    const blocks = section(page, 'the-judge').blocks;
    expect(of(blocks, 'note')[0]).toMatchObject({
      tone: 'warning',
      text: expect.stringMatching(/100 rows.*: failed\./),
    });
    const [table] = of(blocks, 'table');
    expect(table!.rows[2]!.map((cell) => (typeof cell === 'string' ? cell : cell.text))).toEqual([
      'its own words in another order',
      '70.0 %',
      '60.0 % to 78.0 %',
      '85.0 %',
      '98',
      '2',
    ]);
    const without = await pageOf(await folderOf({ ...clear, about: {} }));
    expect(JSON.stringify(section(without, 'the-judge'))).toContain('It took no entrance test');
  });

  it('has the commands that make it again', async () => {
    const folder = await folderOf(clear, { level: 0.9 });
    const page = evaluationPage(await readEvaluationReport(folder), vocabularyOf());
    const [code] = of(section(page, 'method').blocks, 'code');
    expect(code!.text.split('\n')).toEqual([
      `phasetune eval answer base=base-1.json phased=phased-1.json reversed=reversed-1.json --sets koala.jsonl vicuna.jsonl --out ${folder}`,
      `phasetune eval judge ${folder} --judge llm`,
      `phasetune eval report ${folder} --level 0.9 --resamples 300`,
    ]);
  });

  it('has no text of a row unless it is asked for, and is the same bytes twice', async () => {
    const folder = await folderOf(clear);
    const html = renderPage(await pageOf(folder));
    expect(html).not.toMatch(/Instruction koala|The answer of|Reference \d/);
    expect(renderPage(await pageOf(folder))).toBe(html);
    const shown = renderPage(await pageOf(folder, 4));
    expect(renderPage(await pageOf(folder, 4))).toBe(shown);
    expect(shown).toMatch(/Instruction (koala|vicuna)-\d+/);
    const parts = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(shown)!;
    expect(parts[1]).not.toContain('The answer of');
  });
});

describe('the parts of a result that only some have', () => {
  const schema = (part: object) => async () => {
    const folder = await folderOf(clear);
    writeFileSync(evalPaths(folder).result, JSON.stringify({ ...resultIn(folder), ...part }));
    return pageOf(folder);
  };
  const rate = { winRate: 61.5, low: 50.2, high: 72.1, n: 40 };

  it('have a section each: people, calibration, another judge, strengths', async () => {
    const share = { value: 0.8, low: 0.7, high: 0.9 };
    const agreement = { votes: 80, pairs: 40, agreement: share, decided: share, kappa: share };
    const people = {
      people: [{ name: 'Anna', rated: 40 }],
      pairs: 40,
      unreadable: ['anna.csv, line 3: no rating'],
      outdated: 1,
      judges: { gpt: agreement },
      amongPeople: null,
      arms: { phased: { people: rate, judgeSame: rate, judge: rate, corrected: { ...rate, weight: 0.5 } } },
    };
    const against = {
      judge: 'gpt',
      other: 'length',
      pairs: 40,
      agreement: 0.5,
      decided: 0.6,
      kappa: 0.1,
      auc: 0.7,
      brier: 0.2,
      calibrationError: 0.1,
      arms: { phased: { judge: rate, other: rate } },
    };
    const bradleyTerry = { arms: { phased: { strength: 0.4, low: 0.1, high: 0.7 } }, order: 0.05, pairs: 100 };
    const page = await schema({ people, against, bradleyTerry })();
    expect(JSON.stringify(section(page, 'people'))).toMatch(/Anna 40.*61\.5 \[50\.2, 72\.1\]/);
    expect(JSON.stringify(section(page, 'gpt-against-length'))).toMatch(/50\.2 to 72\.1.*on 40 pairs/);
    expect(JSON.stringify(section(page, 'strength-over-all-pairs'))).toMatch(/0\.10 to 0\.70/);
    const html = renderPage(page);
    expect(html).not.toMatch(/<th scope="col"[^>]*><\/th>/);
  });

  it('is a page without a win rate where nobody judged before the result was computed', async () => {
    const page = await pageOf(await folderOf({ ...clear, judges: {} }));
    expect(of(section(page, 'answer').blocks, 'note')[0]!.text).toMatch(/^Nobody has judged these answers/);
    expect(section(page, 'what-rules-find-in-the-answers').blocks.length).toBeGreaterThan(0);
    expect(page.sections.map(({ id }) => id)).not.toContain('the-judge');
  });
});

describe('an evaluation without a result', () => {
  it.each([
    ['nobody judged', { ...clear, judges: {} }, /All arms have answered, and nobody has judged/, 'eval judge'],
    ['there are verdicts', clear, /no result has been computed/, 'eval report'],
  ] as const)('has a page without a verdict: %s', async (_, given, text, next) => {
    const folder = await folderOf(given as Made, { report: false });
    const page = evaluationPage(await readEvaluationReport(folder), vocabularyOf());
    const { blocks, title } = section(page, 'answer');
    expect(title).toBe('No verdict yet');
    expect(of(blocks, 'note')[0]!.text).toMatch(text);
    expect(of(blocks, 'code')[0]!.text).toBe(`phasetune ${next} ${folder}`);
    expect(page.data).not.toHaveProperty('result');
    expect(JSON.stringify(page)).not.toMatch(/better than|win rate/);
    expect(page.sections.at(-1)!.id).toBe('method');
  });

  it('counts what is answered and judged', async () => {
    const partly: Made = {
      ...clear,
      judges: {
        gpt: ({ row, arm }) => (arm === 'reversed' ? undefined : row < 5 ? 'endpoint' : row < 15 ? [1, 1] : undefined),
      },
    };
    const folder = await folderOf(partly, { report: false });
    const path = evalPaths(folder).answers('reversed', 1, 'koala');
    writeFileSync(path, readFileSync(path, 'utf8').split('\n').slice(0, 7).join('\n'));
    const report = await readEvaluationReport(folder);
    expect(report.answered.find(({ arm, set }) => arm === 'reversed' && set === 'koala')).toMatchObject({
      answered: 7,
      rows: 40,
    });
    expect(report.judged).toEqual([
      { judge: 'gpt', arm: 'phased', judged: 10, missing: 5, pairs: 60 },
      { judge: 'gpt', arm: 'reversed', judged: 0, missing: 0, pairs: 60 },
    ]);
    const page = evaluationPage(report);
    expect(of(section(page, 'answer').blocks, 'note')[0]!.text).toMatch(/^33 answers of the arms are missing/);
  });

  it('says so where there are no answers at all, and where there is only one arm', async () => {
    const folder = await folderOf({ ...clear, judges: {} }, { report: false });
    rmSync(join(folder, 'answers'), { recursive: true });
    expect(JSON.stringify(await pageOf(folder))).toContain('There are no answers yet.');
    const alone = await folderOf({ ...clear, arms: { base: 1 }, judges: {} }, { report: false });
    expect(JSON.stringify(await pageOf(alone))).toContain('base is the only arm');
  });

  it('gives no verdict from a result of other verdicts', async () => {
    const folder = await folderOf(clear);
    const { verdicts } = evalPaths(folder);
    const lines = readFileSync(verdicts, 'utf8').trimEnd().split('\n');
    expect((await readEvaluationReport(folder)).outdated).toBe(false);
    const first = JSON.parse(lines[0]!);
    lines[0] = JSON.stringify({ ...first, x: first.x === 1 ? 0 : 1 });
    writeFileSync(verdicts, lines.join('\n'));
    const report = await readEvaluationReport(folder);
    expect(report).toMatchObject({ outdated: true, result: undefined, plots: [] });
    const { blocks } = section(evaluationPage(report), 'answer');
    expect(of(blocks, 'note')[0]!.text).toMatch(/have changed since the result was computed/);
  });

  it('refuses a folder that is none, and a broken line', async () => {
    await expect(readEvaluationReport(temporaryFolder('no-evaluation'))).rejects.toMatchObject({ code: 'data' });
    const folder = await folderOf(clear);
    appendFileSync(evalPaths(folder).verdicts, '{"judge":\n');
    await expect(readEvaluationReport(folder)).rejects.toThrow(/verdicts\.jsonl:121/);
  });
});
