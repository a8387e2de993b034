import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeMadeUpRun } from '../../scripts/report/made-up-run.js';
import { jsonText } from '../../src/core/json-text.js';
import { parseRunEvent, readRunEvents } from '../../src/train/read-run-events.js';
import { type LoggedEvent, startHistory } from '../../src/train/run-history.js';
import { temporaryFolder } from '../helpers/folder.js';

function runOf(steps = 6) {
  const folder = temporaryFolder('events');
  writeMadeUpRun(folder, { seed: 1, order: 'phased', stages: 3, steps, loss: 2 });
  return { folder, path: join(folder, 'events.jsonl') };
}

async function all(folder: string): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for await (const event of readRunEvents(folder)) events.push(event);
  return events;
}

test('reads the events as they were written', async () => {
  const { folder, path } = runOf();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(await all(folder)).toEqual(lines.map((line) => JSON.parse(line)));
});

test('a run without events has none', async () => {
  expect(await all(temporaryFolder())).toEqual([]);
});

describe('a last line that is half written', () => {
  test('does not count at any length, and counts once it is whole', async () => {
    const { folder, path } = runOf();
    const text = readFileSync(path, 'utf8');
    const count = text.trimEnd().split('\n').length;
    const last = text.trimEnd().lastIndexOf('\n') + 1;
    for (let end = last; end < text.length - 1; end += 7) {
      writeFileSync(path, text.slice(0, end));
      expect(await all(folder)).toHaveLength(count - 1);
    }
    writeFileSync(path, text.trimEnd());
    expect(await all(folder)).toHaveLength(count);
  });
  test('is an error where it has its line break', async () => {
    const { folder, path } = runOf();
    appendFileSync(path, '{"time":\n');
    await expect(all(folder)).rejects.toThrow(/events\.jsonl:\d+:9: not valid JSON/);
  });
});

test('broken lines are errors with their number', async () => {
  const { folder, path } = runOf();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  writeFileSync(path, [...lines.slice(0, 3), 'no JSON', ...lines.slice(3), ''].join('\n'));
  await expect(all(folder)).rejects.toMatchObject({ code: 'data', fields: { line: 4 } });
});

test('what is no event is refused by name', () => {
  const time = '2026-01-01T00:00:00.000Z';
  const step = { time, type: 'step', stage: 1 };
  expect(() => parseRunEvent({ time, type: 'pause' }, 'events.jsonl:7')).toThrow(
    /events\.jsonl:7: unknown event "pause"; expected one of run, stage, step, .*newer version/,
  );
  expect(() => parseRunEvent(step, 'events.jsonl:7')).toThrow(/events\.jsonl:7: field step: /);
  expect(() => parseRunEvent({ ...step, time: 'now' }, 'events.jsonl:7')).toThrow(/field step|field time/);
  for (const value of [null, 3, 'text', [], {}, { type: 7 }, { type: 'toString' }])
    expect(() => parseRunEvent(value, 'events.jsonl:7')).toThrow(/events\.jsonl:7: /);
});

test('numbers that are not finite come back', () => {
  const time = '2026-01-01T00:00:00.000Z';
  const event = {
    time,
    type: 'eval',
    stage: 1,
    step: 2,
    losses: [Number.NaN, Infinity],
    all: Number.NaN,
    best: false,
    seconds: 1,
  };
  expect(parseRunEvent(JSON.parse(jsonText(event)), 'x')).toEqual(event);
});

test('a history counts steps and tokens of the whole run', async () => {
  const { folder } = runOf(7);
  const { history, add } = startHistory();
  for (const event of await all(folder)) add(event);
  expect(history.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(history.steps.map(({ trainedTokens }) => trainedTokens / 560)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(history.heldOut.map(({ stage, step }) => [stage, step])).toEqual([
    [0, 0],
    [1, 2],
    [2, 4],
    [3, 7],
  ]);
});
