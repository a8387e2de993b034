import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect } from 'vitest';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import { stageInto } from '../../src/curriculum/write.js';
import { importFile } from '../../src/data/import.js';
import { readEvalFile } from '../../src/eval/eval-file.js';
import { keepSpeeds, placeHere } from '../../src/program/products/kept.js';
import type { MemoryForecast } from '../../src/train/memory-forecast.js';
import { readRunFile } from '../../src/train/run-file.js';
import { answerSets } from '../../src/workflow/eval-answer.js';
import { planTraining, train } from '../../src/workflow/train.js';
import type { TrainingInput } from '../../src/workflow/train-options.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

const FASTER = {
  bfloat16: { bfloat16: 400, float32: 100 },
  float32: { bfloat16: 100, float32: 400 },
} as const;
type Precision = keyof typeof FASTER;
const OTHER = { bfloat16: 'float32', float32: 'bfloat16' } as const;

let home: string;
let inputs: { model: string; data: string };
const before = process.env.PHASETUNE_HOME;

beforeAll(async () => {
  home = temporaryFolder('precision');
  const model = await writeTinyModel(join(home, 'model'));
  const data = join(home, 'staged');
  const raw = join(ROOT, 'datasets/demo/raw.jsonl');
  const { records } = await importFile(raw, { format: 'auto', badRows: 'refuse' });
  const staging = stagingOptionsSchema.parse({ stages: 2, by: 'rows', holdout: 3, nearDuplicates: 0 });
  const input = { path: raw, import: { format: 'auto', badRows: 'refuse' } } as const;
  await stageInto(data, records.slice(0, 30), resolveStaging(staging), input);
  inputs = { model, data };
});

afterEach(() => {
  if (before === undefined) delete process.env.PHASETUNE_HOME;
  else process.env.PHASETUNE_HOME = before;
});

/** From now on this machine's products are faster in that type. */
async function machineOf(faster: Precision): Promise<void> {
  const { version } = await testBackend();
  process.env.PHASETUNE_HOME = temporaryFolder('machine');
  await keepSpeeds(process.env.PHASETUNE_HOME, placeHere(version, process.env), FASTER[faster]);
}

const recipe = (name: string): TrainingInput & { out: string } => ({
  ...{ ...inputs, steps: 2, saveEvery: 1, batchRows: 4, compile: 'none', order: 'one-off' },
  out: join(home, name),
});

/** Trains one of two steps. */
async function stopped(options: TrainingInput) {
  for await (const event of train(options).events) if (event.type === 'step') break;
}

for (const precision of ['bfloat16', 'float32'] as const) {
  nativeOnly(`a run takes and records ${precision} where that is faster, and resumes in it anywhere`, async () => {
    const options = recipe(`resumed-${precision}`);
    const { out } = options;
    await machineOf(precision);
    await stopped(options);
    const products = { chosen: 'measured', gflops: FASTER[precision] };
    expect(await readRunFile(out)).toMatchObject({ status: 'interrupted', recipe: { precision }, products });
    // Another machine, or this one in another state.
    await machineOf(OTHER[precision]);
    const other = train({ ...options, precision: OTHER[precision], resume: true }).result;
    await expect(other).rejects.toThrow(`precision was "${precision}", is "${OTHER[precision]}"`);
    const { run } = await train({ out, resume: true, precision: 'auto' }).result;
    expect(run).toMatchObject({ status: 'done', recipe: { precision }, products });
    // Nor does a run that is done differ from itself.
    expect((await train({ ...options, resume: true }).result).run).toEqual(run);
  });

  nativeOnly(`a run that is given ${precision} records that it was given`, async () => {
    await machineOf(OTHER[precision]);
    const { run } = await train({ ...recipe(`given-${precision}`), steps: 1, precision }).result;
    expect(run).toMatchObject({ recipe: { precision }, products: { chosen: 'given' } });
  });

  nativeOnly(`a plan says that ${precision} is taken, why, and what the other type takes`, async () => {
    await machineOf(precision);
    const plan = await planTraining(recipe('planned'));
    expect(plan).toMatchObject({
      recipe: { precision },
      precision: { precision, chosen: 'measured', gflops: FASTER[precision] },
    });
    const { otherwise, forecast } = plan.memory!;
    const sizes = ({ variables, tensors }: MemoryForecast) => ({ variables, tensors });
    for (const { precision, loadIn16bit, forecast } of otherwise!) {
      const given = await planTraining({ ...recipe('planned'), precision, loadIn16bit });
      expect(sizes(forecast)).toEqual(sizes(given.memory!.forecast!));
    }
    const held = (precision: Precision, loadIn16bit: boolean) =>
      otherwise!.find((way) => way.precision === precision && way.loadIn16bit === loadIn16bit)?.forecast.variables;
    const [half, whole] = [
      held('bfloat16', false) ?? forecast!.variables,
      held('float32', false) ?? forecast!.variables,
    ];
    expect(half).toBeLessThan(whole);
    // Under products in bfloat16 all matrices are held in it anyhow.
    const between = held('float32', true);
    expect(between !== undefined).toBe(precision === 'float32');
    if (between === undefined) return;
    expect(between).toBeGreaterThan(half);
    expect(between).toBeLessThan(whole);
  });

  nativeOnly(`an evaluation continues in ${precision}, which it was begun in`, async () => {
    const instructions = join(home, 'set.jsonl');
    writeFileSync(instructions, '{"instruction": "Name a river.", "output": "The Rhine."}\n');
    const asked = {
      arms: [`base=${inputs.model}`, `same=${inputs.model}`],
      sets: [instructions],
      out: join(home, `eval-${precision}`),
    };
    const options = { ...asked, maxTokens: 4, template: 'paper', compile: 'none' } as const;
    await machineOf(precision);
    await answerSets(options).result;
    const { answering } = await readEvalFile(options.out);
    expect(answering).toMatchObject({ precision });
    await machineOf(OTHER[precision]);
    await answerSets(options).result;
    expect((await readEvalFile(options.out)).answering).toEqual(answering);
    await expect(answerSets({ ...options, precision: OTHER[precision] }).result).rejects.toThrow(
      `precision was "${precision}", is "${OTHER[precision]}"`,
    );
  });
}
