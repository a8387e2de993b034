import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune report DIR`: one page of what a folder is. */
export const command = defineCommand({
  command: 'report <folder>',
  describe: 'make one HTML page of a run, a study, an evaluation or a staged set: the answer, pictures, every value',
  schema: z.strictObject({
    folder: z.string().min(1).describe('folder of a run, a study, an evaluation or a staged set'),
    out: z.string().min(1).optional().describe('HTML file to write [report.html in the folder]'),
    markdown: z.string().min(1).optional().describe('Markdown file to write too, its pictures in a folder beside it'),
    answers: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe('of an evaluation: rows to show with their answers, the most surprising verdicts first'),
    open: z.boolean().default(false).describe('show the page in the browser'),
  }),
  groups: { Report: ['folder', 'out', 'markdown', 'answers', 'open'] },
  examples: [
    ['phasetune report checkpoints/first', 'the page of a run; it needs no other file and no network'],
    ['phasetune report studies/first --out study.html --markdown study.md', 'HTML, and Markdown with pictures'],
  ],
});
