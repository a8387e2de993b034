import * as z from 'zod';
import { makeReportOptionsSchema } from '../../../report/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune report DIR`: one page of what a folder is. */
export const command = defineCommand({
  command: 'report <folder>',
  describe: 'make one HTML page of a run, a study, an evaluation or a staged set: the answer, pictures, every value',
  schema: makeReportOptionsSchema.extend({
    open: z.boolean().default(false).describe('show the page in the browser'),
  }),
  groups: { Report: ['folder', 'out', 'markdown', 'answers', 'open'] },
  examples: [
    ['phasetune report checkpoints/first', 'the page of a run; it needs no other file and no network'],
    ['phasetune report studies/first --out study.html --markdown study.md', 'HTML, and Markdown with pictures'],
  ],
});
