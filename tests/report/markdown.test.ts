import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeMadeUpRun } from '../../scripts/report/made-up-run.js';
import { makeReport } from '../../src/report/make-report.js';
import { figuresOf, isOurMarkdown, renderMarkdown } from '../../src/report/markdown.js';
import type { PageBlock } from '../../src/report/page.js';
import { temporaryFolder } from '../helpers/folder.js';

const FIGURE = {
  id: 'curve',
  caption: 'A curve.',
  svg: '<svg></svg>',
  table: [
    ['x', 'y'],
    ['1', '2'],
  ],
};
const textOf = (blocks: readonly PageBlock[], pictures = new Map<string, string>()) =>
  renderMarkdown({ title: 'T', subtitle: 'S', sections: [{ id: 'a', title: 'One', blocks }] }, pictures);

test('pictures are files with their values in a table below', () => {
  const text = textOf([{ kind: 'figure', figure: FIGURE }], new Map([['curve', 'my (own)-pictures/curve.svg']]));
  expect(text).toContain('![A curve.](my%20%28own%29-pictures/curve.svg)');
  expect(text).toContain(
    '<details><summary>Values of this picture</summary>\n\n| x | y |\n|---|---:|\n| 1 | 2 |\n\n</details>',
  );
  expect(isOurMarkdown(text)).toBe(true);
});

test('pictures are found wherever they are', () => {
  const blocks: PageBlock[] = [
    { kind: 'panels', figures: [FIGURE, { ...FIGURE, id: 'two' }] },
    { kind: 'details', summary: 'more', blocks: [{ kind: 'figure', figure: { ...FIGURE, id: 'three' } }] },
  ];
  expect(figuresOf({ sections: [{ id: 'a', title: 'One', blocks }] }).map(({ id }) => id)).toEqual([
    'curve',
    'two',
    'three',
  ]);
});

test('foreign text stays text', () => {
  const hostile = '# <script>alert(1)</script> | [link](http://evil.test) `code` *bold* &amp; \u202e\n1. item';
  const text = textOf([
    { kind: 'paragraph', text: hostile },
    {
      kind: 'table',
      rows: [
        ['a', 'b'],
        [hostile, hostile],
      ],
    },
    { kind: 'list', items: [hostile, '- two', '3) three'] },
    { kind: 'code', text: 'a ``` fence\n````\n<b>' },
  ]);
  const outside = text.replace(/^(`{3,})\n[\s\S]*?\n\1$/gm, '');
  expect(outside).not.toMatch(/(?<!\\)<(?!!--)/);
  expect(outside).not.toMatch(/(?<!\\)[`[*]/);
  expect(outside).toContain('\\u202e');
  expect(outside).toContain('- \\- two\n- 3\\) three');
  expect(text).toContain('`````\na ``` fence\n````\n<b>\n`````');
  // A row of a table is one line with as many cells as its head.
  const rows = outside.split('\n').filter((line) => line.startsWith('| '));
  for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(3);
});

test('a report as Markdown has the parts of the page, and every picture that it names', async () => {
  const folder = join(temporaryFolder('report'), 'first');
  mkdirSync(folder);
  writeMadeUpRun(folder, { seed: 1, order: 'phased', stages: 3, steps: 30, loss: 2 });
  const markdown = join(temporaryFolder('out'), 'a run.md');
  const { out, pictures } = await makeReport({ folder, markdown });
  const [html, text] = [readFileSync(out, 'utf8'), readFileSync(markdown, 'utf8')];
  const titles = [...html.matchAll(/<h2 [^>]*>([^<]+)<\/h2>/g)].map(([, title]) => title);
  expect([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(titles);
  const named = [...text.matchAll(/^!\[[^\]]*\]\(([^)]+)\)$/gm)].map(([, place]) => decodeURI(place!));
  expect(named.map((place) => join(markdown, '..', place))).toEqual(pictures);
  for (const file of pictures) expect(readFileSync(file, 'utf8')).toMatch(/^<svg xmlns=[\s\S]*<\/svg>\n$/);
});
