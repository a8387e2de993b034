import { describe, expect, it } from 'vitest';
import { distinctSections, sectionOf, sectionsOf, tableOf } from '../../src/report/page-blocks.js';
import type { Block } from '../../src/telemetry/document.js';

const heading = (text: string, level?: number): Block => ({ kind: 'heading', text, ...(level && { level }) });
const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const table = (...rows: string[][]): Block => ({ kind: 'table', rows });

describe('blocks of another report', () => {
  it('become a section at each heading of the second level; what stands before is no section', () => {
    const sections = sectionsOf([
      heading('Title', 1),
      paragraph('before'),
      heading('By difficulty'),
      paragraph('- one\n- two'),
      heading('Deeper', 3),
      paragraph('text\n- no list'),
      heading('Exact match, % of rows'),
    ]);
    expect(sections).toEqual([
      {
        id: 'by-difficulty',
        title: 'By difficulty',
        blocks: [
          { kind: 'list', items: ['one', 'two'] },
          { kind: 'paragraph', text: 'Deeper' },
          { kind: 'paragraph', text: 'text\n- no list' },
        ],
      },
      { id: 'exact-match-of-rows', title: 'Exact match, % of rows', blocks: [] },
    ]);
  });

  it('have headings as captions of the tables below them; a picture is left out', () => {
    const [section] = sectionOf('Matches', [
      heading('Exact'),
      table(['arm', 'mean'], ['base', '1.5']),
      { kind: 'picture', title: 'x', file: 'x.svg' },
    ]);
    expect(section!.blocks).toEqual([
      {
        kind: 'table',
        rows: [
          ['arm', 'mean'],
          ['base', { text: '1.5', value: 1.5 }],
        ],
        left: 1,
        caption: 'Exact',
      },
    ]);
    expect(sectionOf('Nothing', [])).toEqual([]);
  });

  it('have names with values as facts: no column without a name', () => {
    const [judge] = sectionsOf([heading('The judge'), table(['', 'gpt'], ['kind', 'llm'])]);
    expect(judge!.blocks).toEqual([
      {
        kind: 'facts',
        facts: [
          ['name', 'gpt'],
          ['kind', 'llm'],
        ],
      },
    ]);
    const [on] = sectionOf('Against', [heading('a and b', 3), table(['', 'on 40 pairs'], ['kappa', '0.1'])]);
    expect(on!.blocks).toEqual([
      { kind: 'paragraph', text: 'a and b:' },
      {
        kind: 'facts',
        facts: [
          ['measured', 'on 40 pairs'],
          ['kappa', '0.1'],
        ],
      },
    ]);
  });
});

describe('tableOf', () => {
  it('sorts figures by what they are, and texts as texts', () => {
    const texts = ['1,234', '58.3', '-0.15', '+2.0', '56.2 %', '49.7 to 50.3', '-', '', 'gpt-4', '1.2.3'];
    const block = tableOf([texts.map((_, i) => `column ${i}`), texts]);
    const values = [1234, 58.3, -0.15, 2, 56.2];
    expect(block.kind === 'table' && block.rows[1]).toEqual(
      texts.map((text, i) => (i < values.length ? { text, value: values[i] } : text)),
    );
  });

  it('can be sorted from six rows on, where it has figures', () => {
    const rows = [['a', 'b'], ...Array.from({ length: 6 }, (_, i) => [`r${i}`, String(i)])];
    expect(tableOf(rows)).toMatchObject({ sortable: true });
    expect(tableOf(rows, 2)).not.toHaveProperty('sortable');
    expect(tableOf(rows.slice(0, 5))).not.toHaveProperty('sortable');
  });
});

describe('distinctSections', () => {
  it('numbers the ids that come again, and never makes one that is there', () => {
    const ids = ['a', 'a', 'a-2', 'a', 'b'].map((id) => ({ id, title: id, blocks: [] }));
    const distinct = distinctSections(ids).map(({ id }) => id);
    expect(distinct).toEqual(['a', 'a-2', 'a-2-2', 'a-3', 'b']);
  });
});
