import { describe, expect, it } from 'vitest';
import { drawSample, ratingGuide, sheetColumns, sheetRow } from '../../src/scoring/sample.js';

const row = (i: number, score: number | undefined, text = `Question ${i}?`) => ({
  id: `row-${i}`,
  messages: [
    { role: 'user' as const, content: text },
    { role: 'assistant' as const, content: `Answer ${i}.` },
  ],
  ...(score !== undefined && { score, stage: 2 }),
});
const rows = Array.from({ length: 100 }, (_, i) => row(i, i / 10));

describe('drawing rows to rate', () => {
  it('draws as many from every part of the scores', () => {
    const { rows: drawn, strata } = drawSample(rows, { rows: 22, strata: 4, seed: 1 });
    expect(strata.map(({ rows: members, drawn: taken }) => [members, taken])).toEqual([
      [25, 5],
      [25, 6],
      [25, 5],
      [25, 6],
    ]);
    for (const { from, to, drawn: taken } of strata)
      expect(drawn.filter(({ score }) => score! >= from && score! <= to)).toHaveLength(taken);
    expect(new Set(drawn.map(({ id }) => id)).size).toBe(22);
  });

  it('puts them in an order that tells nothing, the same for the same seed', () => {
    const draw = (seed: number) => drawSample(rows, { rows: 40, strata: 5, seed }).rows.map(({ score }) => score!);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const order = draw(1);
    const inversions = order.flatMap((a, i) => order.slice(i + 1).map((b) => a > b)).filter(Boolean).length;
    expect(inversions / 780).toBeGreaterThan(0.3);
    expect(inversions / 780).toBeLessThan(0.7);
  });

  it('draws no instruction twice and none without a score', () => {
    const odd = [row(200, undefined), row(201, 5, 'question 3? '), ...rows.slice(0, 10)];
    const { rows: drawn, unscored, repeated } = drawSample(odd, { rows: 10, strata: 3, seed: 1 });
    expect({ unscored, repeated, drawn: drawn.length }).toEqual({ unscored: 1, repeated: 1, drawn: 10 });
    expect(() => drawSample(odd, { rows: 11, strata: 3, seed: 1 })).toThrow(/11 rows to draw, but only 10 different/);
  });

  it('tells raters neither score nor stage', () => {
    expect(sheetColumns(false)).toEqual(['id', 'instruction', 'rating']);
    expect(sheetRow(row(7, 4.25), false)).toEqual(['row-7', 'Question 7?', '']);
    expect(sheetColumns(true)).toEqual(['id', 'instruction', 'answer', 'rating']);
    expect(sheetRow(row(7, 4.25), true)).toEqual(['row-7', 'Question 7?', 'Answer 7.', '']);
  });

  it('shows the turns of a conversation with who says them', () => {
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: 'Hello' },
      { role: 'assistant' as const, content: 'Hi' },
      { role: 'user' as const, content: 'Why?' },
      { role: 'assistant' as const, content: 'Because.' },
    ];
    expect(sheetRow({ id: 'c', messages }, false)[1]).toBe(
      'system: Be brief.\n\nuser: Hello\n\nassistant: Hi\n\nuser: Why?',
    );
  });

  it('gives raters the scale and the words that the judge has', () => {
    const guide = ratingGuide({
      scale: { min: 1, max: 7, whole: true },
      system: 'From {{min}} to {{max}}, easy to hard.',
    });
    expect(guide).toContain('a number from 1 to 7');
    expect(guide).toContain('whole numbers only');
    expect(guide).toContain('From 1 to 7, easy to hard.');
  });
});
