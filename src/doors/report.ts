/**
 * phasetune/report: pages of runs, studies, evaluations and staged sets as data, and as HTML or Markdown.
 *
 * @module report
 */

export type { OptionValue, Remedy, TaskName, TaskOptions, Vocabulary } from '../core/remedies.js';
export { renderPage } from '../report/html/render.js';
export { type ReportHooks, readPage } from '../report/make-report.js';
export { type Pictures, renderMarkdown } from '../report/markdown.js';
export { type MakeReportOptions, makeReportOptionsSchema } from '../report/options.js';
export type { Figure, GridCell, Page, PageBlock, PageCell, Passage, Section } from '../report/page.js';
