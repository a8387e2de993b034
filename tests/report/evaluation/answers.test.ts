import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evalPaths } from '../../../src/eval/eval-file.js';
import { readEvaluationReport } from '../../../src/report/evaluation/read-evaluation-report.js';
import type { PageBlock } from '../../../src/report/page.js';
import { PASSED } from '../../eval/result/made-evaluation.js';
import { clear, folderOf, of, pageOf, resultIn, section } from './reported.js';

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

  it('have the turns of a conversation one below the other, and only the answers next to each other', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hi' },
      { role: 'user', content: 'Name a river.' },
    ];
    const folder = await folderOf({
      ...clear,
      answer: () => ({ instruction: 'Name a river.', messages }) as object,
    });
    const [items] = of(section(await pageOf(folder, 1), 'answers').blocks, 'items');
    const texts = of(items!.items[0]!.blocks, 'texts').map(({ texts: sides }) => sides.map(({ heading }) => heading));
    expect(texts.slice(0, 4)).toEqual([['System'], ['User'], ['Assistant'], ['User']]);
    expect(texts[4]).toHaveLength(2);
    expect(items!.items[0]!.heading).toMatch(/: Name a river\.$/);
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
      sets: { koala: 2 },
      answer: () => ({ output: `${'é'.repeat(5999)}😀${'x'.repeat(94_000)}` }),
    });
    const { pairs } = await readEvaluationReport(folder, { answers: 1 });
    const { output, characters } = pairs[0]!.armAnswer!;
    expect(characters).toBe(100_000);
    expect(output).toBe(`${'é'.repeat(5999)}… (94,002 more characters)`);
  });
});
