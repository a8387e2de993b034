import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { shellWord } from '../../../../src/core/shell-word.js';
import { slurmSchema } from '../../../../src/study/executors/slurm/options.js';
import { batchScript } from '../../../../src/study/executors/slurm/script.js';
import { timeLimit } from '../../../../src/study/executors/slurm/times.js';
import { temporaryFolder } from '../../../helpers/folder.js';
import { writeFakeStudy } from '../../../helpers/study.js';
import { runAll } from '../../fake.js';

const FOLDER = `/data/it's a "study" $HOME; #1`;

const scriptOf = (options: object = {}, parallel?: number, time?: string) =>
  batchScript({
    ...{ folder: FOLDER, batch: 3, name: 'pt-0123abcd-3', tasks: 12, parallel, threads: 2, time },
    ...{ cellCommand: ['/usr/bin/node', 'main.js'], variables: { PHASETUNE_HOME: '/my home' } },
    options: slurmSchema.parse(options),
  });
const optionsOf = (script: string) =>
  script.split('\n').flatMap((line) => (line.startsWith('#SBATCH ') ? [line.slice(8)] : []));

describe('the batch script', () => {
  test('asks for one array that is warned, requeued and found again', () => {
    expect(optionsOf(scriptOf())).toEqual([
      '--job-name=pt-0123abcd-3',
      '--array=0-11',
      '--output=slurm/batch-3-%a.out',
      '--open-mode=append',
      '--export=NONE',
      '--requeue',
      '--signal=USR2@180',
      '--nodes=1',
      '--ntasks=1',
      '--cpus-per-task=2',
    ]);
  });

  test.each([
    ['60', 180],
    ['2', 30],
    ['4:00:00', 180],
  ])('with the limit %s warns %i seconds before', (time, seconds) => {
    expect(optionsOf(scriptOf({}, undefined, time))).toEqual(
      expect.arrayContaining([`--signal=USR2@${seconds}`, `--time=${time}`]),
    );
  });

  test('has what the study file asks for', () => {
    const options = optionsOf(
      scriptOf(
        {
          ...{ partition: 'a100,h100', account: 'lab', qos: 'high', memory: '8G', gres: 'gpu:a100:1', cpus: 4 },
          ...{ constraint: 'avx512|amx', options: ['--mail-type=END', '-x node[1-3]'] },
        },
        5,
      ),
    );
    expect(options).toEqual(
      expect.arrayContaining([
        ...['--array=0-11%5', '--cpus-per-task=4', '--partition=a100,h100', '--account=lab', '--qos=high', '--mem=8G'],
        ...['--gres=gpu:a100:1', '--constraint=avx512|amx', '--mail-type=END', '-x node[1-3]'],
      ]),
    );
  });

  test('is one that bash can read, whatever the folder is called, which no option names', () => {
    const text = scriptOf({ setup: ['module load cuda', 'export A="b c"'] });
    const path = join(temporaryFolder('script'), 'batch.sh');
    writeFileSync(path, text);
    execFileSync('bash', ['-n', path]);
    expect(text).toContain(`cd ${shellWord(FOLDER)} || exit 1`);
    expect(text).toContain(`export PHASETUNE_HOME='/my home'\nmodule load cuda\nexport A="b c"\n`);
    expect(optionsOf(text).join('\n')).not.toContain('data');
    expect(execFileSync('bash', ['-c', `printf %s ${shellWord(FOLDER)}`], { encoding: 'utf8' })).toBe(FOLDER);
  });
});

describe('options that are refused', () => {
  test.each([
    [{ partition: 'a b' }, 'expected one word'],
    [{ partition: 'a\n#SBATCH --array=0' }, 'expected one word'],
    [{ time: 'soon' }, 'expected `auto`, minutes, or'],
    [{ memory: '8 GB' }, "expected Slurm's form"],
    [{ options: ['mail-type=END'] }, 'starting with a dash'],
    [{ options: ['--mail-type=END\nrm -r x'] }, 'on one line'],
    [{ options: ['--array=0-3'] }, 'they are set already'],
    [{ options: ['--output other'] }, 'they are set already'],
    [{ options: ['-J other'] }, 'they are set already'],
    [{ options: ['--no-requeue'] }, 'they are set already'],
    [{ nodes: 2 }, 'Unrecognized key'],
  ])('%j', (options, message) => {
    expect(JSON.stringify(slurmSchema.safeParse(options).error?.issues)).toContain(message);
  });
});

describe('the time limit', () => {
  test("is the study's", async () => {
    const study = await writeFakeStudy(temporaryFolder('study'));
    expect(await timeLimit(study, study.cells, { time: '2-12' })).toBe('2-12');
    expect(await timeLimit(study, study.cells, { time: 90 })).toBe('90');
  });

  test('is half more than the longest forecast, by the slowest cell of the same model that is done', async () => {
    const study = await writeFakeStudy(temporaryFolder('study'));
    const [first, second] = study.cells;
    expect(await timeLimit(study, [first!, second!])).toBeUndefined();
    await runAll(study, { indices: [1] });
    expect(await timeLimit(study, [first!, second!])).toBe('15');
    // A fake cell of 100 tokens says that it took a second.
    const planned = { ...second!.planned, tokens: 400_000 };
    expect(await timeLimit(study, [first!, { ...second!, planned }])).toBe('100');
    const other = { ...second!, recipe: { model: 'another' } };
    expect(await timeLimit(study, [first!, other])).toBeUndefined();
    const forecast = { ...other.forecast, seconds: 3601 };
    expect(await timeLimit(study, [first!, { ...other, forecast }], { time: 'auto' })).toBe('91');
  });
});
