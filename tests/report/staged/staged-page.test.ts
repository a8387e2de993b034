import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { vocabularyOf } from '../../../src/cli/wording.js';
import { checkFree, type StagingManifest } from '../../../src/curriculum/manifest.js';
import { resolveStaging, type StagingOptions, stagingOptionsSchema } from '../../../src/curriculum/staging-options.js';
import { stageInto } from '../../../src/curriculum/write.js';
import { importOptionsSchema } from '../../../src/data/options.js';
import type { InstructionRecord } from '../../../src/data/record.js';
import { renderPage } from '../../../src/report/html/render.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import type { PageBlock, PageCell } from '../../../src/report/page.js';
import { readStagedReport, type StagedReport } from '../../../src/report/staged/read-staged-report.js';
import { stagedPage } from '../../../src/report/staged/staged-page.js';
import { stage } from '../../../src/workflow/stage.js';
import { row } from '../../curriculum/rows.js';
import { expectHarmless, withBrowser } from '../../helpers/browser.js';
import { temporaryFolder } from '../../helpers/folder.js';

const home = temporaryFolder('staged-page');
let count = 0;

/** Sixty rows; every third has a source, every tenth repeats an instruction. */
const rows = Array.from({ length: 60 }, (_, i): InstructionRecord => {
  const record = row(`r${i}`, (i * 7) % 60, i % 10 === 9 ? 'Again?' : `${'word '.repeat(1 + (i % 12))}${i}?`);
  return i % 3 === 0 ? { ...record, meta: { source: i % 2 === 0 ? 'alpaca' : 'dolly' } } : record;
});

/** Stages rows into a new folder. */
async function staged(
  given: Partial<StagingOptions> = {},
  of: readonly InstructionRecord[] = rows,
): Promise<{ folder: string; manifest: StagingManifest; warnings: readonly string[] }> {
  const folder = join(home, `staged-${++count}`);
  const path = join(home, 'scored.jsonl');
  writeFileSync(path, of.map((one) => JSON.stringify(one)).join('\n'));
  const plan = resolveStaging(stagingOptionsSchema.parse({ holdout: 0.2, seed: 3, ...given }));
  const written = await stageInto(folder, of, plan, { path, import: importOptionsSchema.parse({}) });
  return { folder, ...written };
}

let folder: string;
let manifest: StagingManifest;
let warnings: readonly string[];
let report: StagedReport;
beforeAll(async () => {
  ({ folder, manifest, warnings } = await staged());
  report = await readStagedReport(folder);
});

const text = (cell: PageCell) => (typeof cell === 'string' ? cell : cell.text);
const tables = (blocks: readonly PageBlock[]) =>
  blocks.flatMap((block) => (block.kind === 'table' ? [block.rows.map((cells) => cells.map(text))] : []));
const sectionOf = (id: string, of = report) => stagedPage(of).sections.find((section) => section.id === id)!;

describe('readStagedReport', () => {
  it('counts every row once, by score and by length, in its stage', () => {
    const perStage = (counts: readonly (readonly number[])[]) =>
      manifest.stages.map((_, i) => counts.reduce((sum, bar) => sum + bar[i]!, 0));
    const expected = manifest.stages.map(({ rows: trained, heldOut }) => trained + heldOut);
    expect(perStage(report.scores.counts)).toEqual(expected);
    expect(perStage(report.lengths.counts)).toEqual(expected);
  });

  it('has the medians and 90 % of the manifest, where those are estimates too', () => {
    expect(report.quantiles.map(({ median, p90 }) => ({ median, p90 }))).toEqual(
      manifest.stages.map(({ lengths }) => lengths),
    );
  });

  it('counts sources by stage and those held out; none where no row names one', async () => {
    const all = report.sources.map(({ name, stages, heldOut }) => [name, stages.reduce((a, b) => a + b, heldOut)]);
    expect(all).toEqual([
      [undefined, 40],
      ['alpaca', 10],
      ['dolly', 10],
    ]);
    const plain = await staged(
      {},
      rows.map(({ meta: _, ...one }) => one),
    );
    expect((await readStagedReport(plain.folder)).sources).toEqual([]);
  });

  it('counts the sources beyond twenty together', async () => {
    const many = rows.map((one, i) => ({ ...one, meta: { source: `source-${i % 30}` } }));
    const { sources } = await readStagedReport((await staged({}, many)).folder);
    expect(sources).toHaveLength(21);
    expect(sources.at(-1)!.name).toBe('10 others');
    expect(sources.reduce((n, { stages, heldOut }) => n + stages.reduce((a, b) => a + b, heldOut), 0)).toBe(60);
  });

  it('warns of what staging warned of', async () => {
    expect(report.warnings).toEqual(warnings);
    expect(warnings.length).toBeGreaterThan(0);
    const tied = await staged(
      { stages: 2, holdout: 0 },
      rows.map((one) => ({ ...one, score: 1 + (Number(one.id.slice(1)) % 3) })),
    );
    expect(tied.warnings.join()).toMatch(/ties at the cut/);
    expect((await readStagedReport(tied.folder)).warnings).toEqual(tied.warnings);
  });

  it('refuses a folder that is none, and a file that has changed since it was staged', async () => {
    await expect(readStagedReport(home)).rejects.toMatchObject({ code: 'data' });
    const { folder: changed } = await staged();
    appendFileSync(join(changed, 'stage-2.jsonl'), '{}\n');
    await expect(readStagedReport(changed)).rejects.toThrow(/stage-2\.jsonl: changed since it was staged/);
  });
});

describe('stagedPage', () => {
  it('has rows, tokens and held-out rows of each stage, and their sums', () => {
    const [table] = tables(sectionOf('stages').blocks);
    expect(table!.map((cells) => [cells[0], cells[3], cells[8]])).toEqual([
      ['stage', 'rows to train on', 'held-out rows'],
      ...manifest.stages.map(({ index, rows: trained, heldOut }) => [`stage ${index}`, `${trained}`, `${heldOut}`]),
      ['all', '48', '12'],
    ]);
  });

  it('shows the cuts in a picture, with its values', () => {
    const [block] = sectionOf('scores-and-cuts').blocks;
    expect(block).toMatchObject({ kind: 'figure', figure: { id: 'scores' } });
    const { figure } = block as Extract<PageBlock, { kind: 'figure' }>;
    for (const { score } of manifest.cuts) expect(figure.caption).toContain(String(score));
    const shown = figure.table.slice(1).map((cells) => cells.slice(2).map((cell) => Number(text(cell))));
    expect(shown.flat().reduce((sum, n) => sum + n, 0)).toBe(60);
  });

  it.each<Partial<StagingOptions>>([
    { stages: 2, by: 'tokens' },
    { thresholds: [15, 45], ties: 'together' },
    { by: 'jenks', holdout: 5, nearDuplicates: 0, seed: 9 },
    { by: 'length', minShare: 0.1, stages: 3 },
  ])('has the command that makes the same set again: %o', async (given) => {
    const made = await staged(given);
    const page = stagedPage(await readStagedReport(made.folder), vocabularyOf());
    const method = page.sections.find(({ id }) => id === 'method')!;
    const command = method.blocks.find((block) => block.kind === 'code')!.text;
    expect(command).toMatch(/^phasetune stage scored\.jsonl --out /);
    // As the command line would read it; here the task itself is called.
    const options = Object.fromEntries(
      [...command.matchAll(/--([\w-]+) (\S+)/g)].map(([, flag, value]) => [
        flag!.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
        flag === 'thresholds' ? value!.split(',').map(Number) : Number.isNaN(Number(value)) ? value : Number(value),
      ]),
    );
    const again = await stage({ file: join(home, 'scored.jsonl'), ...options, out: `${made.folder}-again` });
    expect(again.manifest).toEqual(made.manifest);
  });

  it('says that there is no hold-out, and no score by length, where there is none', async () => {
    const { folder: none } = await staged({ holdout: 0, nearDuplicates: 0 });
    const html = renderPage(stagedPage(await readStagedReport(none)));
    expect(html).toContain('no rows are held out');
    expect(html).toContain('not looked for');
  });

  it('is the same bytes twice, and has no text of a row', async () => {
    const marked = rows.map((one) => ({
      ...one,
      messages: [{ role: 'user' as const, content: `SECRET ${one.id}` }, one.messages[1]!],
    }));
    const { folder: own } = await staged({}, marked);
    const html = renderPage(stagedPage(await readStagedReport(own)));
    expect(renderPage(stagedPage(await readStagedReport(own)))).toBe(html);
    expect(html).not.toContain('SECRET');
    expect(html).not.toContain('Answer r');
    expect(Buffer.byteLength(html)).toBeLessThan(500_000);
  });

  it('is Markdown too', () => {
    const markdown = renderMarkdown(stagedPage(report), new Map([['scores', 'scores.svg']]));
    expect(markdown).toContain('## Scores and cuts');
    expect(markdown).toContain('(scores.svg)');
  });
});

describe('checkFree', () => {
  it('takes a staged folder with its report in it for a staged folder', async () => {
    const { folder: own } = await staged();
    writeFileSync(join(own, 'report.html'), 'x');
    writeFileSync(join(own, 'report.md'), 'x');
    await expect(checkFree(own, true)).resolves.toBeUndefined();
    await expect(checkFree(own, false)).rejects.toThrow(/already holds a staged set/);
    writeFileSync(join(own, 'mine.txt'), 'x');
    await expect(checkFree(own, true)).rejects.toThrow(/not a staged folder/);
  });
});

describe('in a browser', () => {
  withBrowser('the page has no problems in light and dark, with hostile sources', async () => {
    const hostile = [
      '</script><script>window.bad=1</script>',
      '<img src=x onerror="window.bad=1">',
      '\u2028\u202e',
      'x'.repeat(1_000_000),
    ];
    const evil = rows.map((one, i) => ({ ...one, meta: { source: hostile[i % hostile.length]! } }));
    const html = renderPage(stagedPage(await readStagedReport((await staged({}, evil)).folder)));
    await expectHarmless(html);
  });
});
