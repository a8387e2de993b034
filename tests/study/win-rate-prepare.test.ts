import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planStudy } from '../../src/study/plan-study.js';
import { prepared, studyHome } from '../helpers/study-file.js';

/** The standard study with win rates as its metric. */
function winRateHome(options: string) {
  const home = studyHome();
  const set = join(home.home, 'koala.json');
  writeFileSync(set, JSON.stringify([{ instruction: 'Name a fruit.' }, { instruction: 'Name a tree.' }]));
  home.write(`${home.text}metric: { win-rate: { sets: [${set}], ${options} }, margin: 2 }\n`);
  return { ...home, set };
}

it('the metric is registered with every option, and its sets are inputs', async () => {
  const { file, out, set } = winRateHome('judge: length, maxTokens: 8');
  const { study } = await prepared({ file, out });
  const { record } = study;
  expect(record.study.metric).toMatchObject({
    'win-rate': { sets: [set], judge: 'length', maxTokens: 8, maxMissing: 0.05 },
    margin: 2,
  });
  expect(record.analysis).toMatchObject({ metric: 'win-rate', unit: 'points', better: 'higher', margin: 2 });
  expect(record.inputs.data).toHaveProperty([set]);
  expect((await prepared({ file, out })).study).toEqual(study);
});

it('another set than the one that the study was begun with is refused', async () => {
  const { file, out, set } = winRateHome('judge: length');
  await prepared({ file, out });
  appendFileSync(set, ' ');
  await expect(prepared({ file, out })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('koala.json'),
  });
});

it('what cannot be measured is refused before anything is staged', async () => {
  for (const [options, message] of [
    ['judge: length, maxTokns: 8', /study\.yaml:\d+: metric\.win-rate\.maxTokns: unknown option/],
    ['judge: length, arms: [a=b]', /study\.yaml:\d+: metric\.win-rate\.arms: the study decides this/],
    ['judge: letters, model: nowhere', /there is no nowhere/],
    ['judge: llm, model: m, baseUrl: "https://judge.example.org/v1", apiKeyEnv: NO_SUCH_KEY', /no key for judge/],
  ] as const) {
    const { file, out } = winRateHome(options);
    await expect(prepared({ file, out }), options).rejects.toThrow(message);
    expect(existsSync(join(out, 'staged')), options).toBe(false);
  }
});

it('a plan of the study says what measuring takes', async () => {
  const { file, out } = winRateHome('judge: length, controls: []');
  const { winRates } = await planStudy({ file, out });
  // Two arms, two seeds, two instructions; the judge of lengths has no orders.
  expect(winRates).toMatchObject({ evaluations: 1, rows: 2, answers: 8, pairs: 4, judge: 'length', questions: 4 });
});
