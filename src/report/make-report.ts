import { basename, dirname, join } from 'node:path';
import { parseOptions } from '../config/given-options.js';
import { dataError, usageError } from '../core/errors.js';
import { PROGRAM, type Remedy, type Vocabulary } from '../core/remedies.js';
import { writeFileAtomic } from '../io/atomic.js';
import { readHead, statPath } from '../io/files.js';
import { REPORT } from '../io/report-files.js';
import { svgFile } from '../plots/svg.js';
import { isOurPage, renderPage } from './html/render.js';
import { REPORT_KINDS, type ReportKind } from './kinds.js';
import { figuresOf, isOurMarkdown, renderMarkdown } from './markdown.js';
import { type MakeReportOptions, makeReportOptionsSchema } from './options.js';
import type { Page } from './page.js';

/** What a program can give the making of a report besides its options. */
export interface ReportHooks {
  /** Names tasks and options in the commands that the page shows; default as a program writes them. */
  readonly vocabulary?: Vocabulary | undefined;
}

/** A report that was written. */
export interface MadeReport {
  /** What it is of, with its article: `a run`. */
  readonly kind: string;
  readonly folder: string;
  readonly out: string;
  readonly bytes: number;
  readonly markdown?: string;
  /** Files of the Markdown's pictures. */
  readonly pictures: readonly string[];
}

/**
 * The page of a folder as plain data, before it becomes HTML or Markdown: for a program that shows
 * it in its own way, or adds to it. A data error for a folder that is nothing that a report can be
 * made of.
 *
 * @example
 * const page = await readPage({ folder: 'checkpoints/first' });
 * console.log(page.title, page.sections.map(({ title }) => title));
 */
export async function readPage(
  given: Pick<MakeReportOptions, 'folder' | 'answers'>,
  { vocabulary = PROGRAM }: ReportHooks = {},
): Promise<Page> {
  const { folder, answers } = parseOptions(makeReportOptionsSchema, given);
  return (await kindOf(folder)).page(folder, { answers, vocabulary });
}

/**
 * Makes the report of a folder: one HTML file that needs nothing else and, where it is asked for, Markdown. The folder
 * is only read, except that the report is written into it by default. The same files give the same bytes. A file that
 * is not such a report is never replaced.
 *
 * @example
 * const { kind, out } = await makeReport({ folder: 'checkpoints/first' });
 * console.log(`the report of ${kind} is ${out}`);
 */
export async function makeReport(
  given: MakeReportOptions,
  { vocabulary = PROGRAM }: ReportHooks = {},
): Promise<MadeReport> {
  const options = parseOptions(makeReportOptionsSchema, given);
  const { folder, out = join(folder, REPORT), markdown, answers } = options;
  const kind = await kindOf(folder);
  await refuseOther(out, 'out', isOurPage);
  if (markdown !== undefined) await refuseOther(markdown, 'markdown', isOurMarkdown);
  const page = await kind.page(folder, { answers, vocabulary });
  const bytes = await writePage(out, page, {
    option: 'out',
    ...(answers > 0 && { remedies: [{ option: 'answers', change: 'lower' }] }),
  });
  const made = { kind: kind.name, folder, out, bytes };
  return markdown === undefined
    ? { ...made, pictures: [] }
    : { ...made, markdown, pictures: await writeMarkdown(page, markdown) };
}

/**
 * Writes a page as HTML, and returns its bytes. A file that is not such a page is never replaced: a usage error that
 * names `option`.
 *
 * @param about the option that names the file, and what makes a page smaller that is too large.
 */
export async function writePage(
  file: string,
  page: Page,
  { option, remedies }: { readonly option: string; readonly remedies?: readonly Remedy[] },
): Promise<number> {
  await refuseOther(file, option, isOurPage);
  const html = renderPage(page, remedies);
  await writeFileAtomic(file, html);
  return Buffer.byteLength(html);
}

/** What a folder is; a data error where it is nothing that a report can be made of. */
async function kindOf(folder: string): Promise<ReportKind> {
  for (const kind of REPORT_KINDS) if (await kind.recognize(folder)) return kind;
  const { kind } = await statPath(folder);
  const names = REPORT_KINDS.map(({ name, sign }) => `${name} (${sign})`);
  const expected = `expected the folder of ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  const found =
    kind === 'missing'
      ? 'there is no such folder'
      : kind === 'folder'
        ? 'none of these files is in it'
        : 'it is a file';
  throw dataError(`${folder}: ${found}; ${expected}`, { file: folder });
}

/** Refuses to replace a file that is not a report. */
async function refuseOther(path: string, option: string, isOurs: (head: string) => boolean): Promise<void> {
  const { kind, bytes } = await statPath(path);
  if (kind !== 'file' || bytes === 0) return;
  if (isOurs(Buffer.from(await readHead(path, 200)).toString('utf8'))) return;
  throw usageError(`${path} exists, and it is not a report of phasetune; it is left as it is`, {
    file: path,
    option,
    remedies: [{ option, change: 'set', note: 'to another file' }],
  });
}

/** Writes the Markdown and its pictures; returns the files of these. */
async function writeMarkdown(page: Page, path: string): Promise<string[]> {
  const folder = `${basename(path).replace(/\.[^.]*$/, '')}-pictures`;
  const figures = figuresOf(page);
  const files: string[] = [];
  for (const { id, svg } of figures) {
    const file = join(dirname(path), folder, `${id}.svg`);
    await writeFileAtomic(file, svgFile(svg));
    files.push(file);
  }
  const places = new Map(figures.map(({ id }) => [id, `${folder}/${id}.svg`]));
  await writeFileAtomic(path, renderMarkdown(page, places));
  return files;
}
