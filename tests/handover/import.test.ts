import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openArms } from '../../src/eval/arms/sources.js';
import { checkHandover } from '../../src/handover/check.js';
import { handOver } from '../../src/handover/hand-over.js';
import type { StageReport } from '../../src/handover/handover-record.js';
import { type ImportedHandover, importHandover } from '../../src/handover/import.js';
import { stageReport } from '../../src/handover/paths.js';
import { writeJson } from '../../src/io/atomic.js';
import { followRun } from '../../src/live/views/follow-run.js';
import { makeReport } from '../../src/report/make-report.js';
import { cellStates } from '../../src/study/cell-states.js';
import { cellRecipe } from '../../src/study/run-cell.js';
import { type Study, studyPaths } from '../../src/study/study-record.js';
import { readHeldOutLosses } from '../../src/train/held-out-losses.js';
import { type RunFile, readRunFile } from '../../src/train/run-file.js';
import { train } from '../../src/workflow/train.js';
import { temporaryFolder } from '../helpers/folder.js';
import { historyOf, pretendTrained } from '../helpers/pretend-trained.js';
import { writeTinyStudy } from '../helpers/study.js';

const CELL = 'phased-seed-1';
let home: string;
let study: Study;
let own: RunFile;
let imported: ImportedHandover;
const at = (...path: string[]) => join(home, ...path);

const cellOf = (id: string) => study.cells.find((cell) => cell.id === id)!;

beforeAll(async () => {
  home = temporaryFolder('import');
  study = await writeTinyStudy(home, {
    arms: { 'one-off': { order: 'one-off' }, phased: { order: 'phased' } },
    seeds: [1],
  });
  own = (await train({ ...cellRecipe(study, cellOf(CELL)), out: at('own'), device: 'cpu' }).result).run;
  const source = studyPaths(study.folder).cell(CELL);
  const { record } = await handOver({ source, engine: 'trl', out: at('handover') });
  await pretendTrained(at('handover'), at('own'), record);
  imported = await importHandover({ folder: at('handover'), out: studyPaths(study.folder).run(CELL), device: 'cpu' });
});

describe('what was brought back', () => {
  test('is the run that was trained: stages, rows, adapters and held-out losses to the bit', async () => {
    const { folder, run } = imported;
    expect(run.matrix).toEqual(own.matrix);
    for (let stage = 0; stage <= 3; stage++)
      expect(await readHeldOutLosses(folder, stage)).toEqual(await readHeldOutLosses(at('own'), stage));
    const shared = ({
      stage,
      rows,
      steps,
      trainedTokens,
      plan,
      planned,
      consumed,
      end,
    }: RunFile['stages'][number]) => ({
      ...{ stage, rows, steps, trainedTokens, plan, planned, consumed, end },
    });
    expect(run.stages.map(shared)).toEqual(own.stages.map(shared));
    expect(run.adapter).toEqual(own.adapter);
    for (const name of ['adapter_model.safetensors', 'adapter_config.json'])
      expect(readFileSync(join(folder, 'adapter', name), 'utf8')).toBe(
        readFileSync(at('own', 'adapter', name), 'utf8'),
      );
    const { recipe } = run;
    expect({ ...recipe, out: '', data: '', model: '' }).toEqual({ ...own.recipe, out: '', data: '', model: '' });
  });

  test('has the losses, rates and norms that the engine reported, at their steps and tokens', async () => {
    const values = ({ steps }: Awaited<ReturnType<typeof historyOf>>) =>
      steps.map(({ stage, step, loss, learningRate, gradNorm, trainedTokens }) => ({
        ...{ stage, step, loss, learningRate, gradNorm, trainedTokens },
      }));
    expect(values(await historyOf(imported.folder))).toEqual(values(await historyOf(at('own'))));
  });

  test('names the engine in its versions, and what it did otherwise', () => {
    const { trainedBy, versions } = imported.run;
    expect(trainedBy).toMatchObject({ engine: 'TRL 1.16.0', device: 'cpu', processes: 1, notKnown: [] });
    expect(versions).toMatchObject({ 'trained by': 'TRL 1.16.0', torch: '2.15.0', device: 'cpu' });
    expect(trainedBy!.differences.length).toBeGreaterThan(0);
  });

  test('makes the cell of a study done, and no other', async () => {
    expect((await cellStates(study)).map(({ state }) => state)).toEqual(['waiting', 'done']);
  });

  test('is taken as the arm of an evaluation, by report and by watch', async () => {
    const { folder } = imported;
    const [arm] = await openArms([{ name: 'trl', sources: [folder, `${folder}@stage-1`, `${folder}@base`] }]);
    expect(arm!.runs.map(({ trained }) => trained)).toEqual([3, 1, 0].map((stage) => ({ run: folder, stage })));
    const { out } = await makeReport({ folder, out: at('report.html') });
    expect(readFileSync(out, 'utf8')).toContain('trained by TRL 1.16.0, which was handed the tokens of every step');
    const { run, problems, history } = await followRun(folder).read();
    expect({ status: run?.status, problems, ended: history.end !== undefined }).toEqual({
      ...{ status: 'done', problems: [], ended: true },
    });
  });
});

describe('what is refused, and leaves nothing behind', () => {
  test('a place where a run is', async () => {
    await expect(importHandover({ folder: at('handover'), out: at('own') })).rejects.toMatchObject({ code: 'usage' });
    expect(await readRunFile(at('own'))).toEqual(own);
  });

  test('a handover of which a stage is not trained, or wrong', async () => {
    const copy = at('copy');
    cpSync(at('handover'), copy, { recursive: true });
    rmSync(join(copy, 'adapter-3'), { recursive: true });
    rmSync(join(copy, 'stage-3.json'));
    const out = at('none');
    await expect(importHandover({ folder: copy, out })).rejects.toThrow(/stage 3 of 3 is not trained yet/);
    cpSync(join(copy, 'adapter-1'), join(copy, 'adapter-2'), { recursive: true });
    await expect(importHandover({ folder: copy, out })).rejects.toThrow(/stage 2: same file: .*adapter-2/);
    await expect(readRunFile(out)).rejects.toThrow(/not a run/);
  });

  test('a set that has changed since', async () => {
    const other = at('other');
    cpSync(studyPaths(study.folder).staged(cellOf(CELL).set!), other, { recursive: true });
    const manifest = join(other, 'manifest.json');
    const was = JSON.parse(readFileSync(manifest, 'utf8'));
    await writeJson(manifest, { ...was, input: { ...was.input, file: 'elsewhere.jsonl' } });
    await expect(importHandover({ folder: at('handover'), data: other, out: at('none') })).rejects.toThrow(
      /the plan that was handed over cannot be made again .*staged data was/,
    );
  });
});

test('without measuring, the run has no held-out losses and is whole otherwise', async () => {
  const out = at('unmeasured');
  const { run } = await importHandover({ folder: at('handover'), out, measure: false });
  expect(run.matrix).toBeUndefined();
  expect(run.adapter).toEqual(own.adapter);
  const { out: page } = await makeReport({ folder: out, out: at('unmeasured.html') });
  expect(readFileSync(page, 'utf8')).toContain('No held-out loss was measured.');
});

test('what is not recorded is said: times, rows and steps of a stage that only left the state of its trainer', async () => {
  const copy = at('stateless');
  cpSync(at('handover'), copy, { recursive: true });
  for (const stage of [1, 2, 3]) {
    const { steps } = JSON.parse(readFileSync(join(copy, stageReport(stage)), 'utf8')) as StageReport;
    const log_history = steps.map(({ step, loss, learningRate, gradNorm }) => ({
      ...{ step, loss, learning_rate: learningRate, grad_norm: gradNorm },
    }));
    rmSync(join(copy, stageReport(stage)));
    await writeJson(join(copy, `adapter-${stage}`, 'checkpoint-3', 'trainer_state.json'), {
      ...{ global_step: steps.length, log_history },
    });
  }
  expect((await checkHandover(copy)).complete).toBe(true);
  const { run, folder } = await importHandover({ folder: copy, out: at('from-state'), measure: false });
  expect(run.trainedBy!.notKnown).toEqual([
    'the versions of the engine',
    'when it was trained, how long that took, and on what',
    'which rows and which adapter each stage read',
  ]);
  expect(run.seconds).toBeUndefined();
  expect((await historyOf(folder)).steps.map(({ loss }) => loss)).toEqual(
    (await historyOf(at('own'))).steps.map(({ loss }) => loss),
  );
  await makeReport({ folder, out: at('from-state.html') });
});
