import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vocabularyOf } from '../../../src/cli/wording.js';
import { evalPaths } from '../../../src/eval/eval-file.js';
import { evaluationPage } from '../../../src/report/evaluation/evaluation-page.js';
import { readEvaluationReport } from '../../../src/report/evaluation/read-evaluation-report.js';
import { renderPage } from '../../../src/report/html/render.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import type { Page, PageBlock, Section } from '../../../src/report/page.js';
import { reportEvaluation } from '../../../src/workflow/eval-report.js';
import { type Made, made, PASSED, prefers, writeMade } from '../../eval/result/made-evaluation.js';
import { axeProblems, openPage, withBrowser } from '../../helpers/browser.js';
import { temporaryFolder } from '../../helpers/folder.js';

const root = temporaryFolder('evaluation-page');
let count = 0;

/** Writes an evaluation; `report`: its result is computed too. */
async function folderOf(given: Made, { report = true, level = 0.95 } = {}): Promise<string> {
  const folder = join(root, `evaluation-${++count}`);
  writeMade(folder, made(given));
  if (report) await reportEvaluation({ folder, resamples: 300, level });
  return folder;
}

const clear: Made = {
  sets: { koala: 40, vicuna: 20 },
  arms: { base: 1, phased: 1, reversed: 1 },
  lengthOf: (arm, _row, uniform) => (arm === 'phased' ? 90 : 60) + 60 * uniform(),
  answer: (arm, row) => ({
    output: `The answer of ${arm} to ${row}: ${'x'.repeat((row * 7 + arm.length * 5) % 50)}`,
    reference: `Reference ${row}`,
    score: row % 5,
    finish: row % 2 === 0 ? 'stop' : 'length',
  }),
  judges: { gpt: ({ arm, ...pair }) => prefers(arm === 'phased' ? 0.85 : 0.5, 0.2)({ arm, ...pair }) },
  about: { gpt: PASSED },
};

const pageOf = async (folder: string, answers = 0): Promise<Page> =>
  evaluationPage(await readEvaluationReport(folder, { answers }));
const section = (page: Page, id: string): Section => {
  const found = page.sections.find((one) => one.id === id);
  if (!found) throw new Error(`no section ${id}: ${page.sections.map((one) => one.id).join(', ')}`);
  return found;
};
const of = <K extends PageBlock['kind']>(blocks: readonly PageBlock[], kind: K) =>
  blocks.filter((block): block is Extract<PageBlock, { kind: K }> => block.kind === kind);
const resultIn = (folder: string) => JSON.parse(readFileSync(evalPaths(folder).result, 'utf8'));

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

describe('answers side by side', () => {
  it('come with the most surprising verdict first: the furthest from what was to be expected', async () => {
    const folder = await folderOf(clear);
    const { pairs } = await readEvaluationReport(folder, { answers: 30 });
    expect(pairs).toHaveLength(30);
    const surprise = pairs.map(({ x, expected }) => Math.abs(x! - expected!));
    expect(surprise).toEqual(surprise.toSorted((a, b) => b - a));
    const listed = resultIn(folder).surprising as { set: string; id: string; arm: string; expected: number }[];
    expect(pairs.slice(0, 20).map(({ set, id, arm, expected }) => ({ set, id, arm, expected }))).toEqual(
      listed.map(({ set, id, arm, expected }) => ({ set, id, arm, expected })),
    );
  });

  it('have both answers, the reference, lengths, how they ended, and what the judge said in both orders and why', async () => {
    const folder = await folderOf(clear);
    const { verdicts } = evalPaths(folder);
    const lines = readFileSync(verdicts, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const { orders } of lines) for (const [i, order] of orders.entries()) order.why = `Reason ${i + 1}.`;
    writeFileSync(verdicts, lines.map((line) => JSON.stringify(line)).join('\n'));
    const page = await pageOf(folder, 1);
    const [items] = of(section(page, 'answers').blocks, 'items');
    expect(items!.keys).toEqual(['surprise', 'score of the arm', 'expected', 'characters more', 'difficulty']);
    const [{ blocks, heading, values }] = items!.items as [Extract<PageBlock, { kind: 'items' }>['items'][number]];
    const [, sides, reference] = of(blocks, 'texts');
    expect(sides!.texts.map(({ heading: name }) => name)).toEqual([
      'base (baseline)',
      expect.stringMatching(/phased|reversed/),
    ]);
    for (const { note, text } of sides!.texts) {
      expect(text).toMatch(/^The answer of/);
      expect(note).toMatch(
        new RegExp(`^${text.length} characters, \\d+ tokens, (ended by itself|cut off at the limit of tokens)$`),
      );
    }
    expect(reference!.texts[0]!.text).toMatch(/^Reference \d+$/);
    expect(heading).toMatch(/^(phased|reversed), (koala|vicuna) \S+: Instruction/);
    expect(values).toHaveLength(items!.keys.length);
    const [said] = of(blocks, 'table');
    const [, first, second] = said!.rows as string[][];
    expect([first![1], second![1]].sort()).toEqual(['base', sides!.texts[1]!.heading].sort());
    expect([first![3], second![3]]).toEqual(['Reason 1.', 'Reason 2.']);
  });

  it('are those of the same run of the baseline where that has several and the arm has one', async () => {
    const folder = await folderOf({ ...clear, judges: {} }, { report: false });
    const paths = evalPaths(folder);
    const file = JSON.parse(readFileSync(paths.evalFile, 'utf8'));
    file.arms.base.runs.push({ source: 'base-2.json' });
    file.judges = { gpt: { kind: 'llm', about: {}, control: false, ...PASSED } };
    writeFileSync(paths.evalFile, JSON.stringify(file));
    const verdicts: object[] = [];
    for (const set of ['koala', 'vicuna']) {
      const text = readFileSync(paths.answers('base', 1, set), 'utf8');
      const second = paths.answers('base', 2, set);
      mkdirSync(dirname(second), { recursive: true });
      writeFileSync(second, text.replaceAll('The answer of base', 'The second answer of base'));
      for (const line of text.trimEnd().split('\n'))
        for (const baselineRun of [1, 2]) {
          const better = baselineRun === 2 ? 'arm' : 'baseline';
          const orders = ['arm', 'baseline'].map((first) => ({ first, better }));
          const { id } = JSON.parse(line);
          const about = { judge: 'gpt', set, id, baseline: 'base', arm: 'phased', run: 1, baselineRun };
          verdicts.push({ ...about, state: 'judged', x: baselineRun - 1, orders });
        }
    }
    writeFileSync(paths.verdicts, verdicts.map((one) => JSON.stringify(one)).join('\n'));
    const { pairs } = await readEvaluationReport(folder, { answers: 200 });
    expect(pairs).toHaveLength(120);
    for (const { x, baselineAnswer } of pairs)
      expect(baselineAnswer!.output.startsWith(x === 1 ? 'The second answer' : 'The answer')).toBe(true);
  });

  it('are those of the first rows where nobody judged', async () => {
    const folder = await folderOf({ ...clear, judges: {} }, { report: false });
    const { pairs } = await readEvaluationReport(folder, { answers: 4 });
    expect(pairs.map(({ id, arm, x }) => [id, arm, x])).toEqual([
      ['koala-1', 'phased', null],
      ['koala-1', 'reversed', null],
      ['koala-2', 'phased', null],
      ['koala-2', 'reversed', null],
    ]);
    const page = await pageOf(folder, 4);
    expect(section(page, 'answers').title).toBe('Answers');
  });

  it('show the beginning of a very long answer, and its length', async () => {
    const folder = await folderOf({
      ...clear,
      answer: () => ({ output: `${'é'.repeat(5999)}😀${'x'.repeat(94_000)}` }),
    });
    const { pairs } = await readEvaluationReport(folder, { answers: 1 });
    const { output, characters } = pairs[0]!.armAnswer!;
    expect(characters).toBe(100_000);
    expect(output).toBe(`${'é'.repeat(5999)}… (94,002 more characters)`);
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
    await expect(readEvaluationReport(root)).rejects.toMatchObject({ code: 'data' });
    const folder = await folderOf(clear);
    appendFileSync(evalPaths(folder).verdicts, '{"judge":\n');
    await expect(readEvaluationReport(folder)).rejects.toThrow(/verdicts\.jsonl:121/);
  });
});

const HOSTILE = [
  '</script><script>window.bad=1</script>',
  '<img src=x onerror="window.bad=1">',
  '\'"><svg onload=window.bad=1>',
  'a\u2028b\u2029c\u202edercod\u202c',
  `${'w'.repeat(500_000)} ${'x '.repeat(250_000)}`,
  '\u0000\u001b[31mred',
  '# Heading\n| a | b |\n```\n',
];

describe('in a browser', () => {
  withBrowser(
    'hostile texts are shown as texts, in light and dark, wide and narrow, and axe-core finds nothing',
    async () => {
      const hostile: Made = {
        ...clear,
        sets: { koala: 14 },
        answer: (arm, row) => ({
          instruction: HOSTILE[row % HOSTILE.length]!,
          output: `${arm} ${HOSTILE[(row + 1) % HOSTILE.length]}`,
          reference: HOSTILE[(row + 2) % HOSTILE.length]!,
        }),
      };
      const folder = await folderOf(hostile);
      const html = renderPage(await pageOf(folder, 28));
      expect(Buffer.byteLength(html)).toBeLessThan(2_000_000);
      for (const dark of [false, true])
        for (const width of [1280, 400]) {
          const { page, problems, requests, close } = await openPage(html, { dark, width });
          await page.getByRole('button', { name: 'open all' }).click();
          expect(await axeProblems(page)).toEqual([]);
          expect(await page.evaluate('window.bad')).toBeUndefined();
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
          expect({ problems, requests }).toEqual({ problems: [], requests: [] });
          await close();
        }
      const outside = renderMarkdown(await pageOf(folder, 28), new Map()).replace(/^(`{3,})\n[\s\S]*?\n\1$/gm, '');
      expect(/(?<!\\)<(script|img|svg)/.exec(outside)).toBeNull();
    },
  );

  withBrowser('pairs are sorted by each key, the largest first, then the smallest', async () => {
    const { page } = await openPage(renderPage(await pageOf(await folderOf(clear), 10)));
    const values = (key: number) =>
      page.evaluate(`[...document.querySelectorAll('.items > li')].map((li) => JSON.parse(li.dataset.values)[${key}])`);
    const first = (await values(0)) as number[];
    expect(first).toEqual(first.toSorted((a, b) => b - a));
    const button = page.getByRole('button', { name: 'characters more' });
    await button.click();
    const down = (await values(3)) as number[];
    expect(down).toEqual(down.toSorted((a, b) => b - a));
    expect(await button.getAttribute('aria-pressed')).toBe('true');
    await button.press('Enter');
    expect(await values(3)).toEqual(down.toSorted((a, b) => a - b));
    expect(await page.locator('.items > li details[open]').count()).toBe(1);
    await page.getByRole('button', { name: 'open all' }).click();
    expect(await page.locator('.items > li details[open]').count()).toBe(10);
  });
});
