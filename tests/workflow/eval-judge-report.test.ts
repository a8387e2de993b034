import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { reportEvaluation } from '../../src/workflow/eval-report.js';
import { judgingSetup, outputs } from '../helpers/eval-judging.js';
import { verdict, writeEvaluation } from '../helpers/evaluation.js';

const at = judgingSetup();

/** Three arms; each of the others has the longer answer in some rows, and the shorter one in others. */
const threeArms = () =>
  writeEvaluation(at.dir, {
    base: outputs('b', 40, (i) => 10 + (i % 3)),
    phased: outputs('p', 40, (i) => 5 + ((i * 7) % 13)),
    mixed: outputs('m', 40, (i) => 20 - ((i * 5) % 17)),
  });

const reported = async () => {
  threeArms();
  await at.judged();
  const { result, report, problem } = await reportEvaluation({ folder: at.dir, resamples: 500 });
  return { result, text: readFileSync(report, 'utf8'), problem };
};

it('a server that always says first: every arm exactly 50.0, consistency 0, position +50 points, headline withheld', async () => {
  at.does = () => verdict('A');
  const { result, text } = await reported();
  expect(Object.keys(result.arms)).toEqual(['phased', 'mixed']);
  for (const arm of Object.values(result.arms))
    expect(arm).toMatchObject({
      winRate: 50,
      low: 50,
      high: 50,
      consistency: 0,
      position: 50,
      verdict: 'exploratory',
      missing: 0,
    });
  expect(result.judge).toMatchObject({ consistency: 0, position: 50 });
  const answer = text.slice(text.indexOf('## Answer'), text.indexOf('## Length'));
  expect(answer).toContain('it says the same about only 0 % of the pairs');
  expect(answer).toContain('it prefers the answer that stands first by 50 points');
  for (const arm of ['phased', 'mixed'])
    expect(answer).toContain(`This judge cannot tell ${arm} from base (win rate 50.0 %, 95 % interval 50.0 to 50.0`);
  expect(answer).not.toMatch(/is (better|worse) than|not distinguishable:/);
});

it('one that says longer: length control agrees 100 %', async () => {
  const { result, text } = await reported();
  const { share, kappa, pairs } = result.controls.length!.agreement;
  expect([share, kappa]).toEqual([1, 1]);
  expect(pairs).toBe(result.judge!.asked);
  expect(pairs).toBeGreaterThan(70);
  expect(result.judge).toMatchObject({ consistency: 1, position: 0, longerWins: 1, lengthAgreement: 1 });
  for (const [arm, { winRate, lengthControlled }] of Object.entries(result.arms)) {
    expect(result.controls.length!.arms[arm]!.winRate).toBe(winRate);
    expect(lengthControlled!.overlap).toBeGreaterThan(0.1);
  }
  expect(text).toMatch(/length *\| *phased .*100\.0 %/);
});
