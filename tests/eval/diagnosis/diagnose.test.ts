import { describe, expect, it } from 'vitest';
import { diagnosisBlocks } from '../../../src/eval/diagnosis/blocks.js';
import { diagnose } from '../../../src/eval/diagnosis/diagnose.js';
import type { Diagnosis, SignatureName } from '../../../src/eval/diagnosis/diagnosis.js';
import type { DiagnosisFacts } from '../../../src/eval/diagnosis/facts.js';
import { type ComparedRun, checkRuns } from '../../../src/eval/diagnosis/run-checks.js';
import { binomialCdf } from '../../../src/statistics/binomial.js';
import { markdown } from '../../../src/telemetry/document.js';
import { type Plant, simulatedFacts } from '../../helpers/diagnosis-worlds.js';

const options = { seed: 0, flips: 2000 };
const of = ({ signatures }: Diagnosis, name: SignatureName) => signatures.find((one) => one.name === name)!;
const diagnoseWorld = (plant: Plant, seed = 0) => diagnose(simulatedFacts(plant, seed), options);

const planted: readonly (readonly [SignatureName, Plant])[] = [
  ['easy-items', { rows: 600, easy: 200, easyRate: 35 }],
  ['forgetting', { rows: 600, easy: 200, forgets: 0.1 }],
  ['score-range', { rows: 1000, middleRate: 34 }],
];

describe('simulated runs', () => {
  it.each(planted)('show %s where it is planted', (name, plant) => {
    const worlds = 40;
    let found = 0;
    for (let world = 0; world < worlds; world++) if (of(diagnoseWorld(plant, world), name).state === 'found') found++;
    // Below this in one of 1,000 tries if 95 % are found.
    expect(binomialCdf(32, worlds, 0.95)).toBeLessThan(0.001);
    expect(found).toBeGreaterThan(32);
  });

  it('show nothing where nothing is planted', () => {
    const worlds = 60;
    let found = 0;
    for (let world = 0; world < worlds; world++) {
      const { signatures } = diagnoseWorld({ rows: 600 }, 1000 + world);
      if (signatures.some(({ state }) => state === 'found')) found++;
    }
    expect(1 - binomialCdf(9, worlds, 0.05)).toBeLessThan(0.001);
    expect(found).toBeLessThanOrEqual(9);
  });

  it.each(planted)('cannot tell of %s with 20 rows', (name, plant) => {
    const few = diagnoseWorld({ ...plant, rows: 20, easy: 7 });
    expect(few.signatures.map(({ state }) => state)).toEqual(new Array(4).fill('cannot tell'));
    expect(of(few, name).evidence).toMatch(
      /^Too few rows: .* 7 rows, which show nothing|^Too few rows: bin 1 has 3 rows/,
    );
    expect(of(few, name).next).toBe('Evaluate on more rows.');
  });

  it('give the same diagnosis twice, as JSON without gaps', () => {
    const one = diagnoseWorld({ rows: 90 });
    expect(diagnoseWorld({ rows: 90 })).toEqual(one);
    expect(JSON.parse(JSON.stringify(one))).toEqual(one);
  });
});

describe('evidence', () => {
  it('of an easy band names band and stage, and what to look at', () => {
    const { evidence, next, tests } = of(diagnoseWorld(planted[0]![1]), 'easy-items');
    expect(evidence).toMatch(
      /^In band 1 the win rate against one-off is below 50 \(\d+\.\d % over 200 rows, p [=<] 0\.00\d\)\.$/,
    );
    expect(next).toMatch(/^Look at stage 1: its learning rate/);
    expect(tests).toEqual(['band 1 after stage 1', 'band 1']);
  });

  it('of forgetting names the stage and the band', () => {
    const { evidence } = of(diagnoseWorld({ rows: 600, easy: 200, forgets: 0.2 }), 'forgetting');
    expect(evidence).toMatch(
      /^Stage 3 forgot band 1: its loss rose \(\+0\.\d+ nats over 200 rows, p [=<] 0\.00\d\)\.$/,
    );
  });

  it('of a range names scores, the cut in it and the rows near the cut', () => {
    const { evidence } = of(diagnoseWorld({ rows: 1000, middleRate: 25 }), 'score-range');
    expect(evidence).toMatch(/^From score 2.33 to 3.66 the win rate against one-off is below 50 \(.*; .*\)/);
    expect(evidence).toMatch(
      /straddles the cut at 3, with (?:49|50|51) rows within one deviation of the scorer \(0.1\)\.$/,
    );
  });

  it('of nothing says what would have been seen', () => {
    const { state, evidence, next } = of(diagnoseWorld({ rows: 900 }), 'below-one-off');
    expect([state, next]).toEqual(['not found', '']);
    expect(evidence).toMatch(
      /^No such effect\. The least that would have shown: \d\.\d points in all rows \(900 rows\)\.$/,
    );
  });

  it('of losing to one-off depends on what was checked', () => {
    const world = simulatedFacts({ rows: 600, rate: 38 }, 1);
    const next = (checks: DiagnosisFacts['checks']) =>
      of(diagnose({ ...world, checks }, options), 'below-one-off').next;
    expect(next([])).toMatch(/the runs could not be read/);
    expect(next([{ name: 'seed', state: 'ok', detail: 'seed 1' }])).toMatch(
      /^Look at the method, not the implementation/,
    );
    expect(next([{ name: 'rows', state: 'unknown', detail: 'rows are not recorded' }])).toMatch(
      /rows are not recorded; then/,
    );
    expect(
      next([
        { name: 'seed', state: 'ok', detail: 'seed 1' },
        { name: 'trained tokens', state: 'differs', detail: 'the runs have 5 and 9 trained tokens' },
      ]),
    ).toBe('Look at the implementation: the runs have 5 and 9 trained tokens.');
  });
});

describe('what cannot be had', () => {
  const world = simulatedFacts({ rows: 300 }, 2);
  const missing = {
    losses: 'x is not a run (x.json), so its stages are not known',
    scores: 'no judge whose verdicts count judged it',
  };

  it('leaves every signature open, with the reason', () => {
    const { signatures, tests, bins } = diagnose({ ...world, stages: [], scores: null, missing }, options);
    expect(signatures.map(({ state }) => state)).toEqual(new Array(4).fill('cannot tell'));
    expect(signatures[0]!.evidence).toContain('not a run');
    expect(signatures[1]!.evidence).toContain('not a run');
    expect(signatures[2]!.evidence).toBe('No judge whose verdicts count judged it.');
    expect([tests, bins]).toEqual([[], []]);
  });

  it('no rows at all, no bands, no scores', () => {
    expect(diagnose({ ...world, rows: [], stages: [], scores: [] }, options).signatures).toHaveLength(4);
    const bare = world.rows.map(({ set }) => ({ set, band: null, score: null }));
    const found = diagnose({ ...world, rows: bare }, options);
    expect(of(found, 'easy-items').evidence).toBe('The rows have no bands of difficulty.');
    expect(of(found, 'forgetting').evidence).toBe('The rows have no bands of difficulty.');
    expect(of(found, 'score-range').evidence).toBe('The rows have no scores of difficulty.');
    expect(of(found, 'below-one-off').state).toBe('not found');
  });

  it('one kind of evidence says what was not looked at', () => {
    const { state, evidence } = of(
      diagnose({ ...simulatedFacts({ rows: 900 }, 3), scores: null, missing: { ...missing, losses: null } }, options),
      'easy-items',
    );
    expect(state).toBe('not found');
    expect(evidence).toMatch(/Not looked at: no judge whose verdicts count judged it\.$/);
  });

  it('missing rows, and rows of one score', () => {
    const gaps = world.rows.map((_, i) => (i % 2 === 0 ? Number.NaN : 0.5));
    const same = world.rows.map((row) => ({ ...row, score: 3 }));
    const found = diagnose({ ...world, rows: same, scores: gaps }, options);
    expect(found.tests.find(({ name }) => name === 'all rows')).toMatchObject({
      rows: 150,
      value: 0,
      pHolm: 1,
      bad: false,
    });
    expect(of(found, 'score-range').evidence).toBe('The scores take too few values.');
  });

  it('a first stage that changed nothing is found', () => {
    const [base, ...rest] = world.stages;
    const still = [base!, { ...rest[0]!, losses: base!.losses }, ...rest.slice(1)];
    const { state, evidence } = of(diagnose({ ...world, stages: still }, options), 'easy-items');
    expect(state).toBe('found');
    expect(evidence).toContain('After stage 1 the loss of band 1 is not below that of the base (0.000 nats');
  });

  it('a handful of rows that all lost is not enough', () => {
    const scores = world.rows.map((_, i) => (i < 4 ? 0 : Number.NaN));
    expect(of(diagnose({ ...world, scores }, options), 'below-one-off').state).toBe('cannot tell');
  });
});

describe('checks of two runs', () => {
  const stage = (index: number, origin: object, end: string) => ({
    stage: index,
    label: '',
    rows: 10,
    replayed: 0,
    steps: 5,
    tokens: 500,
    trainedTokens: 300,
    paddedTokens: 600,
    plan: '',
    planned: { rows: 10, sha256: '' },
    consumed: { rows: 10, sha256: '' },
    origin,
    end: { path: '', sha256: end },
  });
  const run = (stages: object[], change: object = {}) =>
    ({
      recipe: { learningRate: 1e-4, order: 'phased', out: 'a' },
      seed: 1,
      inputs: { model: { path: '', files: { a: '1' } }, data: { path: '', manifest: 'm' } },
      stages,
      ...change,
    }) as unknown as ComparedRun;
  const phased = [stage(1, { from: 'base' }, 'one'), stage(2, { from: 'previous-end', sha256: 'one' }, 'two')];
  const oneOff = { ...stage(1, { from: 'base' }, 'x'), trainedTokens: 601, consumed: { rows: 20, sha256: '' } };
  const states = (a: ComparedRun, b: ComparedRun) =>
    checkRuns(a, b).flatMap(({ name, state, detail }) => (state === 'ok' ? [] : [`${name}: ${detail}`]));

  it('are in order for the same budget', () => {
    expect(states(run(phased), run([oneOff], { recipe: { learningRate: 1e-4, order: 'one-off', out: 'b' } }))).toEqual(
      [],
    );
  });

  it('name what differs', () => {
    const other = run([{ ...oneOff, trainedTokens: 900, consumed: { rows: 30, sha256: '' }, skipped: [3] }], {
      seed: 2,
      recipe: { learningRate: 2e-4 },
      inputs: { model: { path: '', files: { a: '2' } }, data: { path: '', manifest: 'm' } },
    });
    expect(states(run(phased), other)).toEqual([
      'trained tokens: the runs have 600 and 900 trained tokens',
      'rows: the runs consumed 20 and 30 rows',
      'seed: the runs have the seeds 1 and 2',
      'base: the runs began with other base models',
      'options: the runs differ in learningRate',
      'skipped steps: 0 and 1 steps were skipped',
    ]);
  });

  it('find a stage that did not continue', () => {
    const lost = [phased[0]!, stage(2, { from: 'previous-end', sha256: 'other' }, 'two')];
    expect(states(run(lost), run([oneOff]))).toEqual([
      'origin: stage 2 did not start from the adapter that the stage before left',
    ]);
    const again = [phased[0]!, stage(2, { from: 'base' }, 'two')];
    expect(states(run(again), run([oneOff]))).toEqual(['origin: stage 2 started from the base again']);
    const { consumed: _, origin: __, ...bare } = phased[0]!;
    expect(states(run([bare]), run([oneOff])).filter((line) => /not recorded/.test(line))).toHaveLength(2);
  });
});

describe('the report', () => {
  it('has a table of states, a sentence each, the tests, bins and checks', () => {
    const checks = [{ name: 'seed', state: 'ok', detail: 'seed 1' }] as const;
    const text = markdown(
      diagnosisBlocks(diagnose({ ...simulatedFacts({ rows: 1000, middleRate: 25 }, 0), checks }, options)),
    );
    expect(text).toContain('### Diagnosis of phased against one-off');
    expect(text).toContain('| worse in a range of scores | found |');
    expect(text).toContain('| band 1 from stage 2 to 3 | nats |');
    expect(text).toMatch(/\| 1 to 1\.66 \| 167 \| \d+\.\d \| \d+\.\d \| \d+\.\d \|/);
    expect(text).toContain('| seed | ok | seed 1 |');
    expect(text).not.toMatch(/NaN|undefined|null/);
  });
});
