import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scoreOf } from '../../scripts/demo-data/draft.js';
import { DEMO_SEED, demoRecords, KINDS, toJsonLines } from '../../scripts/demo-data/records.js';
import { type InstructionRecord, recordSchema } from '../../src/data/record.js';
import { FACT_SOLVERS } from './solve-facts.js';
import { LIST_SOLVERS } from './solve-lists.js';
import { NUMBER_SOLVERS } from './solve-numbers.js';

const SOLVERS = { ...LIST_SOLVERS, ...NUMBER_SOLVERS, ...FACT_SOLVERS };
const text = readFileSync(new URL('../../datasets/demo/raw.jsonl', import.meta.url), 'utf8');
const records = text
  .trimEnd()
  .split('\n')
  .map((line): InstructionRecord => recordSchema.parse(JSON.parse(line)));

const prompt = (record: InstructionRecord) => record.messages[0]!.content;
/** Without the polite opening that some have. */
const undressed = (text: string) =>
  text.replace(/^(Please|Quick question|One more|Please tell me): |^(Hi!|Hello!|Can you help me\?) /, '');
const answer = (record: InstructionRecord) => record.messages[1]!.content;

describe('demo data set', () => {
  it('is what its script makes from the seed, byte for byte', () => {
    expect(toJsonLines(demoRecords(DEMO_SEED))).toBe(text);
  });

  it('is another set under another seed', () => {
    const known = new Set(records.map(prompt));
    const other = demoRecords(DEMO_SEED + 1);
    expect(other.filter((record) => !known.has(prompt(record))).length).toBeGreaterThan(2000);
  });

  it('has no two rows with the same id or the same words', () => {
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
    expect(new Set(records.map((record) => prompt(record).toLowerCase())).size).toBe(records.length);
  });

  it('has as many rows of every kind at every level of difficulty', () => {
    const cells = new Map<string, number>();
    for (const { score, meta } of records) {
      expect(score).toBeGreaterThanOrEqual(1);
      expect(score).toBeLessThanOrEqual(5);
      const cell = `${meta!.kind} ${Math.round(score!)}`;
      cells.set(cell, (cells.get(cell) ?? 0) + 1);
    }
    expect(cells.size).toBe(Object.keys(KINDS).length * 5);
    expect(new Set(cells.values())).toEqual(new Set([43]));
  });

  it('keeps answers short, trimmed and equal to meta.answer', () => {
    for (const record of records) {
      expect(answer(record)).toBe(record.meta!.answer);
      expect(answer(record)).toBe(answer(record).trim());
      expect(answer(record).length).toBeLessThanOrEqual(80);
      expect(prompt(record).length).toBeLessThanOrEqual(260);
    }
  });

  it.each(Object.keys(KINDS))('%s: every answer follows from the instruction, by code of its own', (kind) => {
    const wrong = records
      .filter(({ meta }) => meta!.kind === kind)
      .map((record) => ({
        prompt: prompt(record),
        answer: answer(record),
        found: SOLVERS[kind]!(undressed(prompt(record))),
      }))
      .filter((row) => row.found !== row.answer);
    expect(wrong).toEqual([]);
  });
});

describe('scoreOf', () => {
  it.each([
    [{ steps: 1, items: 0 }, 1],
    [{ steps: 2, items: 2 }, 1.8],
    [{ steps: 1, items: 5 }, 1.75],
    [{ steps: 1, items: 1, distractors: 2 }, 2],
    [{ steps: 2, items: 4, distractors: 1, awkward: 1 }, 3.4],
    [{ steps: 5, items: 9, awkward: 3 }, 5],
  ])('%j is %d', (load, score) => expect(scoreOf(load)).toBe(score));
});
