import { describe, expect, it } from 'vitest';
import { encodeRows } from '../../../src/data/encode-rows.js';
import { batchOptionsSchema, type EncodeOptions, encodeOptionsSchema } from '../../../src/data/options.js';
import type { InstructionRecord } from '../../../src/data/record.js';
import { renderPage } from '../../../src/report/html/render.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import type { PageBlock } from '../../../src/report/page.js';
import { rowsPage } from '../../../src/report/rows/rows-page.js';
import { type RowsReport, rowsReport } from '../../../src/report/rows/rows-report.js';
import { tokenTexts } from '../../../src/report/rows/token-texts.js';
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.js';
import { trainOptions } from '../../../src/train/options.js';
import { planRun } from '../../../src/train/run-plan.js';
import { expectHarmless, openPage, withBrowser } from '../../helpers/browser.js';
import { needs, SMOLLM2, TINY } from '../../helpers/tokens.js';

const tokenizer = await loadTokenizer(TINY);

const record = (id: string, ask: string, answer: string, more: Partial<InstructionRecord> = {}): InstructionRecord => ({
  id,
  messages: [
    { role: 'user', content: ask },
    { role: 'assistant', content: answer },
  ],
  ...more,
});

/** Thirty rows in three stages. */
const staged = Array.from({ length: 30 }, (_, i) =>
  record(`r${i}`, `Question ${i}? ${'more '.repeat(i % 7)}`, `Answer ${i}. ${'and '.repeat(i % 11)}`, {
    stage: 1 + Math.floor(i / 10),
    score: i / 10,
  }),
);

async function reportOf(
  records: readonly InstructionRecord[],
  encoding: Partial<EncodeOptions> = {},
  { limit = 2, ...training }: { limit?: number } & Record<string, unknown> = {},
): Promise<RowsReport> {
  const options = encodeOptionsSchema.parse(encoding);
  const { rows, report } = await encodeRows(records, tokenizer, options);
  const batching = trainOptions.parse(training);
  return rowsReport({
    data: 'rows.jsonl',
    model: TINY,
    tokenizer,
    records,
    rows,
    report,
    encoding: options,
    batching,
    limit,
  });
}

const pageText = (report: RowsReport) => renderPage(rowsPage(report));
const of = <K extends PageBlock['kind']>(blocks: readonly PageBlock[], kind: K) =>
  blocks.filter((block): block is Extract<PageBlock, { kind: K }> => block.kind === kind);

describe('the tokens of a row', () => {
  it('are what the trainer has: one after another they are the row, trained ones are marked', async () => {
    const [row] = (await reportOf([record('a', 'Name a river.', 'The Rhine.')])).shown;
    expect(row!.passages.map(({ text }) => text).join('')).toBe(
      '<|im_start|>user\nName a river.<|im_end|>\n<|im_start|>assistant\nThe Rhine.<|im_end|>\n',
    );
    const marked = (mark: string) =>
      row!.passages
        .filter((passage) => passage.mark === mark)
        .map(({ text }) => text)
        .join('');
    expect(marked('trained')).toBe('The Rhine.');
    expect(marked('trained-special')).toBe('<|im_end|>');
    expect(marked('special')).toBe('<|im_start|><|im_end|><|im_start|>');
    expect(row!.passages).toHaveLength(row!.tokens);
    expect(row!.passages.filter(({ mark }) => mark.startsWith('trained'))).toHaveLength(row!.trained);
  });

  it('that are parts of a character are one passage; those that never make one are shown by their ids', async () => {
    const [row] = (await reportOf([record('a', 'naïve 🙂 x', '日本')])).shown;
    const whole = row!.passages.map(({ text }) => text).join('');
    expect(whole).toContain('naïve 🙂 x');
    expect(whole).toContain('日本');
    const parts = await tokenizer.encode('🙂');
    const broken = {
      id: 'b',
      ids: Int32Array.from(parts.slice(0, -1)),
      mask: new Uint8Array(parts.length - 1),
      trained: 0,
    };
    const texts = await tokenTexts(tokenizer, [broken]);
    expect((await texts.passagesOf(broken)).map(({ text }) => text).join('')).toMatch(/^ ?(<\d+>)+$/);
  });

  it('keep the blanks at their starts, whatever the tokenizer drops at the start of a text', async (context) => {
    needs(context, SMOLLM2);
    const other = await loadTokenizer(SMOLLM2);
    const { rows } = await encodeRows(
      [record('a', 'Name a river.', 'The river Rhine.')],
      other,
      encodeOptionsSchema.parse({}),
    );
    const passages = await (await tokenTexts(other, rows)).passagesOf(rows[0]!);
    expect(passages.map(({ text }) => text).join('')).toContain(
      'Name a river.<|im_end|>\n<|im_start|>assistant\nThe river Rhine.',
    );
  });
});

describe('rowsReport', () => {
  it('shows so many rows of each stage, and of those that were cut', async () => {
    const { shown } = await reportOf(staged, {}, { limit: 2 });
    expect(shown.map(({ id, stage }) => [id, stage])).toEqual([
      ['r0', 1],
      ['r1', 1],
      ['r10', 2],
      ['r11', 2],
      ['r20', 3],
      ['r21', 3],
    ]);
    const long = [...staged, record('long', 'Q?', 'word '.repeat(300), { stage: 3, score: 9 })];
    const cut = await reportOf(long, { maxLength: 100 }, { limit: 1 });
    expect(cut.shown.map(({ id }) => id)).toEqual(['r0', 'r10', 'r20', 'long']);
    expect(cut.shown.at(-1)!.notes).toEqual(['cut at 100 tokens: its end is not trained']);
    expect(cut.shown.at(-1)!.tokens).toBe(100);
    expect((await reportOf(staged, {}, { limit: 0 })).shown).toEqual([]);
  });

  it('lists the rows that are not trained, with the reason', async () => {
    const bad = [
      ...staged,
      record('prompt', 'word '.repeat(300), 'a', { stage: 2, score: 9 }),
      record('long', 'Q?', 'word '.repeat(300), { stage: 1, score: 9 }),
      {
        ...record('weight', 'Q?', 'A', { stage: 3, score: 1 }),
        messages: [
          { role: 'user' as const, content: 'Q' },
          { role: 'assistant' as const, content: 'A', train: false as const },
        ],
      },
      { id: 'none', messages: [{ role: 'user' as const, content: 'Q' }], stage: 1, score: 1 },
    ];
    const { dropped } = await reportOf(bad, { maxLength: 100, overflow: 'drop', badRows: 'skip' });
    expect(dropped).toEqual([
      { id: 'long', stage: 1, reason: 'dropped: longer than 100 tokens' },
      { id: 'prompt', stage: 2, reason: 'dropped: its prompt alone fills 100 tokens' },
      { id: 'weight', stage: 3, reason: 'dropped: no answer of it is to be trained (weight 0)' },
      { id: 'none', stage: 1, reason: expect.stringMatching(/^left out: row without an answer/) },
    ]);
  });

  it('has the lines that a run makes: the same plan, step by step', async () => {
    const training = { batchRows: 3, seed: 4, order: 'reversed', epochs: 2 };
    const report = await reportOf(staged, {}, training);
    const { rows } = await encodeRows(staged, tokenizer, encodeOptionsSchema.parse({}));
    const set = {
      stages: [1, 2, 3].map((index) => ({ index, rows: staged.filter(({ stage }) => stage === index) })),
      holdout: [],
      hash: '',
    };
    const plan = planRun(set, rows, trainOptions.parse(training));
    expect(report.stages.map(({ steps }) => steps)).toEqual(plan.stages.map(({ batches }) => batches.steps.length));
    for (const [i, { batches }] of plan.stages.entries()) {
      const shown = report.stages[i]!;
      expect(shown.rows).toBe(10);
      expect(shown.padded).toBe(batches.paddedTokens);
      const lines = batches.steps
        .slice(0, 4)
        .flatMap(({ microBatches }) => microBatches.flatMap((batch) => batch.lines));
      expect(
        shown.batches
          .flatMap((batch) => batch.lines.filter((line) => line.length > 0))
          .map((line) => line.map(({ name }) => name)),
      ).toEqual(lines.filter((line) => line.length > 0).map((line) => line.map(({ id }) => id)));
      for (const { runs, name } of shown.batches.flatMap((batch) => batch.lines.flat())) {
        const row = rows.find(({ id }) => id === name)!;
        expect(runs.reduce((n, { tokens }) => n + tokens, 0)).toBe(row.ids.length);
        expect(runs.reduce((n, { tokens, trained }) => n + (trained ? tokens : 0), 0)).toBe(row.trained);
      }
    }
  });

  it('takes rows without stages as one stage', async () => {
    const plain = staged.map(({ stage: _, score: __, ...row }) => row);
    const { stages, shown } = await reportOf(plain, {}, { ...batchOptionsSchema.parse({}), limit: 3 });
    expect(stages.map(({ name, rows }) => [name, rows])).toEqual([['all rows', 30]]);
    expect(shown).toHaveLength(3);
  });
});

describe('rowsPage', () => {
  it('has the counts, the tokens stage by stage with a legend, the lines with their values, and the options', async () => {
    const page = rowsPage(await reportOf(staged));
    expect(page.sections.map(({ id }) => id)).toEqual([
      'rows',
      'tokens-of-stage-1',
      'tokens-of-stage-2',
      'tokens-of-stage-3',
      'packing',
      'method',
    ]);
    const [legend, ...rows] = of(page.sections[1]!.blocks, 'passages');
    expect(legend!.passages.map(({ mark }) => mark)).toEqual(
      expect.arrayContaining(['trained', 'context', 'special', 'trained-special']),
    );
    expect(rows[0]!.heading).toMatch(/^row r0, score 0, \d+ tokens, \d+ trained$/);
    const [{ figures }] = of(page.sections[4]!.blocks, 'panels') as [Extract<PageBlock, { kind: 'panels' }>];
    expect(figures).toHaveLength(3);
    const [, first] = figures[0]!.table;
    expect(first![0]).toBe('step 1');
    const html = renderPage(page);
    expect(html).toContain('<mark>');
    expect(html).toContain('class="special"');
    expect(renderMarkdown(page, new Map())).toMatch(/assistant\n\[Answer 0\.[^[\]]*<\|im_end\|>\]\n/);
    expect(pageText(await reportOf(staged))).toBe(html);
  });

  it('refuses a page over 2 MB', async () => {
    const huge = Array.from({ length: 12 }, (_, i) => record(`r${i}`, 'Q?', 'a b '.repeat(8000)));
    const report = await reportOf(huge, { maxLength: 20_000 }, { limit: 12 });
    expect(() => pageText(report)).toThrow(/the page would have .* at most/);
  });

  it('lists at most 200 rows that are not trained', async () => {
    const many = [
      ...staged,
      ...Array.from({ length: 230 }, (_, i) => record(`long-${i}`, 'Q?', 'word '.repeat(60), { stage: 1, score: 1 })),
    ];
    const page = rowsPage(await reportOf(many, { maxLength: 50, overflow: 'drop' }));
    const dropped = page.sections.find(({ id }) => id === 'dropped')!;
    const [folded] = of(dropped.blocks, 'details');
    expect(folded!.summary).toBe('The first 200 of them');
    expect(of(folded!.blocks, 'table')[0]!.rows).toHaveLength(201);
  });
});

describe('in a browser', () => {
  withBrowser(
    'hostile rows are shown as texts, in light and dark, wide and narrow, and axe-core finds nothing',
    async () => {
      const hostile = [
        '</script><script>window.bad=1</script>',
        '<img src=x onerror="window.bad=1">',
        'a\u2028b\u2029c\u202edercod\u202c',
        'w'.repeat(1_000_000),
        '\u0000\u001b[31mred',
      ];
      const rows = hostile.map((text, i) =>
        record(text.slice(0, 300) + i, text, text, { stage: 1 + (i % 2), score: i }),
      );
      const html = pageText(await reportOf(rows, { maxLength: 256 }, { limit: 5 }));
      await expectHarmless(html);
    },
  );

  withBrowser(
    'what is trained can be distinguished without colour: it is underlined, and control tokens have a frame',
    async () => {
      const { page } = await openPage(pageText(await reportOf(staged)));
      const style = (selector: string, property: string) =>
        page.evaluate(`getComputedStyle(document.querySelectorAll('${selector}')[0]).${property}`);
      expect(await style('.tokens mark', 'textDecorationLine')).toBe('underline');
      expect(await style('.tokens .special', 'borderStyle')).toBe('dashed');
    },
  );
});
