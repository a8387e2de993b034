import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Made, made, PASSED, prefers, writeMade } from '../eval/result/made-evaluation.js';
import { temporaryFolder } from '../helpers/folder.js';
import { lastJson, ROOT, startPhasetune } from './child.js';

/** As if TensorFlow were not installed. */
const env = { NODE_OPTIONS: `--import ${ROOT}tests/cli/without-tensorflow.mjs` };
const phasetune = (...args: string[]) => startPhasetune(args, { env }).ended;

let count = 0;
const root = temporaryFolder('eval-report');
const folderOf = (given: Made): string => {
  const folder = join(root, String(++count));
  writeMade(folder, made(given));
  return folder;
};

const clear: Made = {
  sets: { koala: 60 },
  arms: { base: 1, phased: 1 },
  lengthOf: (_arm, _row, uniform) => 100 + 50 * uniform(),
  judges: { gpt: prefers(0.8) },
  about: { gpt: PASSED },
};

describe('phasetune eval report', () => {
  it('prints the answer and writes its files, without TensorFlow; twice the same bytes', async () => {
    const folder = folderOf(clear);
    const files = [
      'result.json',
      'report.md',
      'annotations.json',
      'leaderboard.csv',
      'answers/phased/model_outputs.json',
    ];
    const pictures = ['win-rates', 'win-rates-by-band', 'length-phased'].map((name) => `pictures/${name}.svg`);
    const bytes = () => [...files, ...pictures].map((name) => readFileSync(join(folder, name), 'utf8'));
    const { code, out, err } = await phasetune('eval', 'report', folder, '--resamples', '500');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^phased against base on 60 rows of 1 set, judged by gpt\n/);
    expect(out).toMatch(/\n {2}phased is better than base: win rate 7\d\.\d %/);
    expect(out).toContain(`written to ${folder}/report.md`);
    const first = bytes();
    const again = await phasetune('eval', 'report', folder, '--resamples', '500', '--json');
    expect(bytes()).toEqual(first);
    const { arms, judge } = lastJson(again.out) as Record<string, Record<string, unknown>>;
    expect(arms!.phased).toMatchObject({ verdict: 'better', n: 60, missing: 0, consistency: 1 });
    expect(judge).toMatchObject({ name: 'gpt', kind: 'llm' });
  });

  it('ends with 4 where too much is missing, with the files written and the bounds printed', async () => {
    const folder = folderOf({ ...clear, judges: { gpt: ({ row }) => (row < 6 ? 'content-filter' : [1, 1]) } });
    const { code, out, err } = await phasetune('eval', 'report', folder, '--resamples', '200');
    expect(code).toBe(4);
    expect(out).toMatch(/No verdict on phased: 6 of 60 verdicts are missing; .* from 90\.0 % .* to 100\.0 %/);
    expect(err).toMatch(
      /error: no verdict: phased: 6 of 60 verdicts are missing \(10\.0 %\), more than the 5\.0 % of --max-missing/,
    );
    expect(JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')).arms.phased.verdict).toBe('withheld');
    const allowed = await phasetune('eval', 'report', folder, '--resamples', '200', '--max-missing', '0.1');
    expect(allowed.code).toBe(0);
  });

  it('names the line that is damaged, and writes nothing', async () => {
    const verdicts = folderOf(clear);
    appendFileSync(join(verdicts, 'verdicts.jsonl'), '{"judge": "gpt", "set": "koala"\n');
    const broken = await phasetune('eval', 'report', verdicts);
    expect(broken.code).toBe(3);
    expect(broken.err).toMatch(/verdicts\.jsonl:61.*; remove it and judge again: the replies are kept/);
    expect(existsSync(join(verdicts, 'result.json'))).toBe(false);
    const answers = folderOf(clear);
    const file = join(answers, 'answers/phased/koala.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n');
    lines[4] = lines[4]!.replace('"output":', '"text":');
    writeFileSync(file, lines.join('\n'));
    const { code, err } = await phasetune('eval', 'report', answers);
    expect(code).toBe(3);
    expect(err).toMatch(/koala\.jsonl, line 5: field output/);
  });

  it('refuses a folder that is no evaluation, and one without answers', async () => {
    const nothing = await phasetune('eval', 'report', root);
    expect(nothing).toMatchObject({
      code: 3,
      err: `error: ${root}: not an evaluation (no eval.json in it); run \`phasetune eval answer ARMS --out ${root}\` to begin one\n`,
    });
    const newer = folderOf(clear);
    const file = join(newer, 'eval.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"version": ?1\b/, '"version": 9'));
    const { code: refused, err: why } = await phasetune('eval', 'report', newer);
    expect(refused).toBe(3);
    expect(why).toMatch(/eval\.json: expected version 1, found 9, which a newer phasetune wrote; update phasetune/);
    const folder = folderOf(clear);
    rmSync(join(folder, 'answers'), { recursive: true });
    const { code, err } = await phasetune('eval', 'report', folder);
    expect(code).toBe(3);
    expect(err).toMatch(/there are no answers in it; run `phasetune eval answer ARMS --out .*` first/);
  });
});

describe('phasetune eval power', () => {
  it('reports the rows that show a win rate, and what a number of rows can show', async () => {
    const { code, out } = await phasetune(
      ...['eval', 'power', '--win-rate', '55', '--ties', '30', '--arms', '3', '--rows', '805', '--json'],
    );
    expect(code).toBe(0);
    expect(lastJson(out)).toMatchObject({ rowsNeeded: 722, pairs: 2166, questions: 4332 });
    expect(lastJson(out).leastDifference).toBeCloseTo(4.77, 2);
    expect((await phasetune('eval', 'power')).out).toMatch(
      /^542 rows show a win rate of 55 % \(30 % ties, power 80 %, level 0\.95\)\n/,
    );
  });

  it.each([
    ['50', /--win-rate: no number of rows shows that a win rate of 50 differs/],
    ['90', /--win-rate: with 30 % ties it is between 15 and 85, got 90/],
  ])('refuses a win rate of %s', async (rate, message) => {
    const { code, err } = await phasetune('eval', 'power', '--win-rate', rate);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
