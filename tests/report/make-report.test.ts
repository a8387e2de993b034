import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type MadeUpRun, writeMadeUpRun } from '../../scripts/report/made-up-run.js';
import { type MadeUpStudy, writeMadeUpStudy } from '../../scripts/report/made-up-study.js';
import { jsonText } from '../../src/core/json-text.js';
import { makeReport } from '../../src/report/make-report.js';
import { temporaryFolder } from '../helpers/folder.js';

const USUAL: MadeUpRun = { seed: 1, order: 'phased', stages: 3, steps: 12, loss: 2 };
const ARMS: MadeUpStudy['arms'] = {
  'one-off': { order: 'one-off', stages: 1, effect: 0 },
  phased: { order: 'phased', stages: 3, effect: -0.1 },
  random: { order: 'random', stages: 3, effect: 0 },
};

function runOf(change: Partial<MadeUpRun> = {}): string {
  const folder = join(temporaryFolder('report'), 'first');
  mkdirSync(folder);
  writeMadeUpRun(folder, { ...USUAL, ...change });
  return folder;
}

async function studyOf(change: Partial<MadeUpStudy> = {}): Promise<string> {
  const folder = join(temporaryFolder('report'), 'orders');
  await writeMadeUpStudy(folder, { arms: ARMS, seeds: 6, steps: 12, ...change });
  return folder;
}

/** The report's text, and its page without markup. */
async function pageOf(folder: string): Promise<{ html: string; text: string }> {
  const { out } = await makeReport({ folder });
  const html = readFileSync(out, 'utf8');
  const text = html
    .replace(/<(style|script|svg)[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, ' ');
  return { html, text };
}

const sectionsOf = (html: string) => [...html.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id);

describe('the page of a run', () => {
  test('says what it was and what came of it', async () => {
    const { html, text } = await pageOf(runOf());
    expect(sectionsOf(html)).toEqual(['answer', 'matrix', 'losses', 'training', 'events', 'method', 'values']);
    expect(text).toContain('Run first');
    expect(text).toContain('The run is done: all 12 steps of 3 stages.');
    // 2 + 0.8 - 0.8 exp(-3) before, 2 in the end.
    expect(text).toContain(
      'Band 1 (10 rows) got better: 2.7602 nats per token before, 2.0000 after stage 3 (-0.7602).',
    );
    expect(text).toContain('trained tokens 6,720 of 6,720 planned');
    expect(html.match(/<svg /g)).toHaveLength(7);
    expect(html.match(/<h1>/g)).toHaveLength(1);
  });

  test('shows what was forgotten again', async () => {
    const rows = [
      { after: 0, losses: [3, 3, 3], all: 3 },
      { after: 1, losses: [2, 2.5, 3], all: 2.5 },
      { after: 2, losses: [2.25, 2, 3.5], all: 2.4 },
    ];
    const bands = [1, 2, 3].map((stage) => ({ stage, rows: 10, tokens: 100 }));
    const { text } = await pageOf(runOf({ stages: 2, file: { matrix: { bands, rows } } }));
    expect(text).toContain(
      'after stage 2 (-0.7500). It was lowest after stage 1 (2.0000); 0.2500 of that was forgotten again.',
    );
    expect(text).toContain('Band 3 (10 rows) got worse: 3.0000 nats per token before, 3.5000 after stage 2 (+0.5000).');
  });

  test.each([
    ['interrupted', { events: 9 }, 'The run was interrupted after 4 of 12 steps'],
    [
      'failed',
      { events: 9, file: { status: 'failed', error: 'the disk is full' } },
      'The run failed after 4 of 12 steps: the disk is full',
    ],
    [
      'killed',
      { events: 9, file: { status: 'running' } },
      'The run was cut off after 4 of 12 steps: it says that it is running, but no process holds its folder.',
    ],
    ['just begun', { events: 1, file: { status: 'running' } }, 'The run was cut off after 0 of 12 steps'],
  ] as const)('has the reason of one that was %s', async (_, change, sentence) => {
    const { text } = await pageOf(runOf(change as Partial<MadeUpRun>));
    expect(text).toContain(sentence);
  });

  test('has resumes and spikes', async () => {
    const folder = runOf({
      file: {
        resumed: [
          {
            time: '2026-01-01T05:00:00.000Z',
            from: { path: 'stage-1/step-000004', sha256: 'a' },
            changes: ['versions.node'],
          },
        ],
      },
    });
    const time = '2026-01-01T00:00:10.000Z';
    const path = join(folder, 'events.jsonl');
    const spike = {
      time,
      type: 'spike',
      stage: 2,
      step: 3,
      action: 'skip',
      loss: 9.5,
      lossLimit: 4,
      gradNorm: 20,
      rows: ['a</script>'],
    };
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, [...lines.slice(0, 12), jsonText(spike), ...lines.slice(12)].join('\n'));
    const { text } = await pageOf(folder);
    expect(text).toContain(
      'Resumed at 2026-01-01 05:00:00 UTC from stage-1/step-000004, although something had changed: versions.node.',
    );
    expect(text).toContain(
      'Step 7, in stage 2: the loss was 9.5000 where at most 4.0000 was expected, so the step was skipped.',
    );
    expect(text).toContain('Rows of that step: a&lt;/script&gt;.');
  });

  test('diverged losses are words, and leave the curves whole', async () => {
    const folder = runOf();
    const path = join(folder, 'events.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"loss":[\d.]+/, '"loss":"NaN"'));
    const { html } = await pageOf(folder);
    expect(html).not.toContain('NaN NaN');
    expect(/<td data-value="">NaN<\/td>/.exec(html)).not.toBeNull();
  });
});

describe('the page of a study', () => {
  test('gives the answer first, and all that it rests on', async () => {
    const { html, text } = await pageOf(await studyOf());
    expect(sectionsOf(html)).toEqual([
      'answer',
      'differences',
      'arms',
      'matrix',
      'losses',
      'power',
      'cells',
      'method',
      'values',
    ]);
    expect(text).toMatch(/Answer phased is better than one-off: its held-out loss is 0\.\d+ nats per token lower/);
    expect(text).toMatch(/random and one-off are the same within 0\.01 nats per token/);
    expect(text).toContain('18 cells: 18 done; none was resumed; no loss spiked. Run on host-1.');
  });

  test('has no verdict before the end, and everything else', async () => {
    const folder = await studyOf({
      run: (cell, run) =>
        cell.seed < 5 ? run : cell.seed === 5 && cell.arm === 'phased' ? { ...run, events: 10 } : undefined,
    });
    const { html, text } = await pageOf(folder);
    expect(text).toContain('4 of 6 blocks complete: there is no verdict before the end.');
    expect(text).toContain('12 done, 5 waiting, 1 interrupted');
    expect(sectionsOf(html)).toContain('matrix');
    expect(sectionsOf(html)).toContain('losses');
    // Neither a verdict nor a p value of any kind, in words or in data.
    for (const verdict of ['better than', 'worse than', 'are the same', 'not distinguishable'])
      expect(text.slice(0, text.indexOf('Fixed at'))).not.toContain(verdict);
    const { results, final } = JSON.parse(/id="page-data">([^<]+)</.exec(html)![1]!);
    expect(final).toBe(false);
    for (const { p, pHolm, signFlip, verdict } of results.comparisons)
      expect([p, pHolm, signFlip, verdict]).toEqual([null, null, null, null]);
  });

  test('results of a study that was extended since are no answer any more', async () => {
    const folder = await studyOf();
    const more = await studyOf({ seeds: 7, run: (cell, run) => (cell.seed < 7 ? run : undefined) });
    for (const name of ['study.json', 'cells.jsonl']) cpSync(join(more, name), join(folder, name));
    const { text } = await pageOf(folder);
    expect(text).toContain('6 of 7 blocks complete: there is no verdict before the end.');
    expect(text).not.toContain('better than');
  });

  test('results that are not written yet give no verdict, though all cells are done', async () => {
    const folder = await studyOf();
    writeFileSync(join(folder, 'other.json'), '');
    const { rmSync } = await import('node:fs');
    rmSync(join(folder, 'results.json'));
    const { text } = await pageOf(folder);
    expect(text).toContain('there is no verdict before the end');
    expect(text).not.toContain('better than');
  });

  test('names what failed and why, and reads the rest', async () => {
    const folder = await studyOf({
      run: (cell, run) =>
        cell.id === 'random-seed-2' ? { ...run, events: 9, file: { status: 'failed', error: 'a spike' } } : run,
    });
    const attempts = join(folder, 'cells', 'random-seed-2', 'attempts.jsonl');
    writeFileSync(
      attempts,
      [
        { event: 'begin', attempt: 1, time: '2026-01-01T00:00:00.000Z', executor: 'local', host: 'host-2' },
        {
          event: 'end',
          attempt: 1,
          time: '2026-01-01T00:01:00.000Z',
          code: 1,
          signal: null,
          outcome: 'failed',
          failure: 'loss spike',
          reason: 'the loss is 9',
        },
      ]
        .map((line) => `${jsonText(line)}\n`)
        .join(''),
    );
    const broken = join(folder, 'cells', 'phased-seed-3', 'run', 'events.jsonl');
    writeFileSync(broken, `nothing\n${readFileSync(broken, 'utf8')}`);
    const { text } = await pageOf(folder);
    expect(text).toContain('Run on host-1, host-2.');
    expect(text).toContain('random-seed-2 failed (loss spike): the loss is 9');
    expect(text).toMatch(/Error: phased-seed-3: .*events\.jsonl:1:1: not valid JSON/);
  });

  test('axes have their own groups in every part', async () => {
    const { html, text } = await pageOf(await studyOf({ axis: ['model', ['small', 'large']], seeds: 3 }));
    expect(text).toContain('model=small: phased');
    expect(text).toContain('model=large: phased');
    expect(html.match(/data-plot="difference"/g)).toHaveLength(2);
    expect(html.match(/data-plot="matrix"/g)).toHaveLength(6);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('arms that differ by the number of their stages are a panel, and so are models', async () => {
    const arms = {
      'one-off': { order: 'one-off', stages: 1, effect: 0 },
      phased: { order: 'phased', stages: 3, effect: -0.1 },
      'phased-2': { order: 'phased', stages: 2, effect: -0.05, overrides: { stage: { stages: 2 } } },
      'phased-4': { order: 'phased', stages: 4, effect: -0.15, overrides: { stage: { stages: 4 } } },
      random: { order: 'random', stages: 3, effect: 0 },
    } as const;
    const { html, text } = await pageOf(await studyOf({ arms, axis: ['model', ['small', 'large']], seeds: 3 }));
    expect(html.match(/data-plot="panel"/g)).toHaveLength(3);
    // The same order, apart from its stages, is one line over 2, 3 and 4 of them.
    const stages = text.slice(text.indexOf('By number of stages, model=small:'));
    expect([...stages.matchAll(/ phased (\d) -0\.\d+/g)].slice(0, 3).map(([, count]) => count)).toEqual([
      '2',
      '3',
      '4',
    ]);
    expect(text).toMatch(/By model: held-out loss, less one-off, nats per token/);
  });

  test('a large study has a limited number of pictures', async () => {
    const values = Array.from({ length: 14 }, (_, i) => `m${i}`);
    const { phased, 'one-off': control } = ARMS;
    const folder = await studyOf({ arms: { control: control!, phased: phased! }, axis: ['model', values], seeds: 2 });
    const { html, text } = await pageOf(folder);
    expect(html.match(/data-plot="matrix"/g)).toHaveLength(24);
    expect(text).toContain('4 more pictures would not fit; the values are in the data of this page.');
  });

  test('is under 500 KB for 48 cells of 2,000 steps', async () => {
    const arms = { ...ARMS, reversed: { order: 'reversed', stages: 3, effect: 0.01 } } as const;
    const folder = await studyOf({ arms, axis: ['model', ['small', 'large']], steps: 2000 });
    const { bytes } = await makeReport({ folder });
    expect(bytes).toBeLessThan(500_000);
  }, 60_000);
});

describe('makeReport', () => {
  test('the same files give the same bytes, and the files stay as they are', async () => {
    const folder = await studyOf();
    const before = readdirSync(folder).map((name) => [
      name,
      name.includes('.') ? readFileSync(join(folder, name), 'utf8') : '',
    ]);
    const other = join(temporaryFolder(), 'out');
    const one = await makeReport({ folder, out: join(other, 'a.html'), markdown: join(other, 'a.md') });
    const two = await makeReport({ folder, out: join(other, 'b.html'), markdown: join(other, 'b.md') });
    expect(readFileSync(one.out, 'utf8')).toBe(readFileSync(two.out, 'utf8'));
    expect(readFileSync(one.markdown!, 'utf8').replaceAll('a-pictures', 'b-pictures')).toBe(
      readFileSync(two.markdown!, 'utf8'),
    );
    expect(one.pictures.map((file) => readFileSync(file, 'utf8'))).toEqual(
      two.pictures.map((file) => readFileSync(file, 'utf8')),
    );
    const after = readdirSync(folder).map((name) => [
      name,
      name.includes('.') ? readFileSync(join(folder, name), 'utf8') : '',
    ]);
    expect(after).toEqual(before);
  });

  test('replaces its own report and nothing else', async () => {
    const folder = runOf();
    const { out, bytes } = await makeReport({ folder });
    expect(out).toBe(join(folder, 'report.html'));
    expect(await makeReport({ folder })).toMatchObject({ out, bytes });
    for (const option of ['out', 'markdown'] as const) {
      const file = join(folder, `notes-${option}.html`);
      writeFileSync(file, '<!doctype html>\n<html lang="en"><title>my notes</title>');
      await expect(makeReport({ folder, [option]: file })).rejects.toMatchObject({
        code: 'usage',
        fields: { option, file },
      });
      expect(readFileSync(file, 'utf8')).toContain('my notes');
    }
    await expect(makeReport({ folder, out: join(folder, 'run.json') })).rejects.toMatchObject({ code: 'usage' });
  });

  test('says what a folder is not', async () => {
    const folder = temporaryFolder('empty');
    await expect(makeReport({ folder })).rejects.toThrow(
      /none of these files is in it; expected the folder of a run \(run\.json\).* a study \(study\.json\)/,
    );
    await expect(makeReport({ folder: join(folder, 'no') })).rejects.toThrow(/there is no such folder; expected/);
    const file = join(folder, 'rows.jsonl');
    writeFileSync(file, '{}\n');
    await expect(makeReport({ folder: file })).rejects.toThrow(/it is a file; expected/);
    expect(readdirSync(folder)).toEqual(['rows.jsonl']);
  });

  test('a file of a newer version is refused by its version', async () => {
    const folder = runOf();
    const path = join(folder, 'run.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"version": 2', '"version": 3'));
    await expect(makeReport({ folder })).rejects.toThrow(
      /run\.json: field version: .*2, found 3; was it written by a newer version of phasetune\?/,
    );
    expect(existsSync(join(folder, 'report.html'))).toBe(false);
  });
});
