import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jsonText } from '../../src/core/json-text.js';
import { random } from '../../src/core/random.js';
import type { RunEvent } from '../../src/train/events.js';
import type { RunFile } from '../../src/train/run-file.js';

/** What a run that never took place is made of. */
export interface MadeUpRun {
  readonly seed: number;
  readonly order: RunFile['order'];
  readonly stages: number;
  /** Optimizer steps in all stages together. */
  readonly steps: number;
  /** What the losses end at: nats per token. */
  readonly loss: number;
  /** Held-out rows of each of three bands. */
  readonly rows?: number;
  /** Number of the last event that is there; the run is then one that stopped [it is done]. */
  readonly events?: number;
  /** Fields of run.json that are not as usual. */
  readonly file?: Partial<RunFile>;
}

export const BANDS = 3;
const TOKENS = 1000;
const TRAINED = 560;
const BEGIN = Date.UTC(2026, 0, 1);

/** Trained tokens that {@link madeUpRun} plans for so many steps. */
export const trainedTokensOf = (steps: number): number => steps * TRAINED;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const ADAPTER = 'the weights of no adapter';

/** Writes JSON a line, without waiting for the disk. */
export function writeLines(path: string, lines: readonly unknown[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.map((line) => `${jsonText(line)}\n`).join(''));
}

/** Steps of each stage; the last one has the rest. */
const divide = (steps: number, stages: number): number[] =>
  Array.from({ length: stages }, (_, i) => Math.floor(((i + 1) * steps) / stages) - Math.floor((i * steps) / stages));

/** Loss of a held-out row of a band after some part of the training, from 0 to 1. */
const lossAt = (run: MadeUpRun, part: number, band: number): number =>
  run.loss + 0.1 * band + 0.8 * Math.exp(-3 * part) - 0.8 * Math.exp(-3);

const rowOf = (run: MadeUpRun, after: number) => {
  const losses = Array.from({ length: BANDS }, (_, i) => lossAt(run, after / run.stages, i));
  return { after, losses, all: losses.reduce((sum, loss) => sum + loss, 0) / BANDS };
};

const labelOf = (stage: number, stages: number) => `stage ${stage} of ${stages}: band ${stage}, score ${stage}`;

const summaryOf = (run: MadeUpRun, stage: number, steps: number) => ({
  stage,
  label: labelOf(stage, run.stages),
  rows: 8 * steps,
  replayed: 0,
  steps,
  tokens: steps * TOKENS,
  trainedTokens: steps * TRAINED,
  paddedTokens: steps * 1024,
});

/** The events of a run, each with its time. */
function eventsOf(run: MadeUpRun): (RunEvent & { time: string })[] {
  const events: (RunEvent & { time: string })[] = [];
  const { normal } = random(run.seed, 'made-up run', run.order);
  let seconds = 0;
  const add = (event: RunEvent, took = 0) => {
    seconds += took;
    events.push({ time: new Date(BEGIN + 1000 * seconds).toISOString(), ...event });
  };
  const shares = divide(run.steps, run.stages);
  const bands = Array.from({ length: BANDS }, (_, i) => ({ stage: i + 1, rows: run.rows ?? 10, tokens: 100 }));
  const stages = shares.map((steps, i) => summaryOf(run, i + 1, steps));
  add({ type: 'run', order: run.order, seed: run.seed, stages, bands });
  const measure = (stage: number, step: number) => {
    const { losses, all } = rowOf(run, stage);
    add({ type: 'eval', stage, step, losses, all, best: true, seconds: 2 }, 2);
  };
  measure(0, 0);
  let made = 0;
  for (const [i, steps] of shares.entries()) {
    const stage = i + 1;
    const path = `stage-${stage}/step-${String(steps).padStart(6, '0')}`;
    add({ type: 'stage', ...stages[i]!, stages: run.stages, origin: { from: stage === 1 ? 'base' : 'previous-end' } });
    for (let step = 1; step <= steps; step++) {
      made++;
      add(
        {
          type: 'step',
          stage,
          step,
          steps,
          epoch: 1,
          loss: lossAt(run, made / run.steps, 1) + 0.2 * normal(),
          tokens: TOKENS,
          trainedTokens: TRAINED,
          seconds: 0.8,
          tokensPerSecond: 1250 + 40 * normal(),
          learningRate: 0.0002 * (1 - step / steps),
          gradNorm: Math.abs(0.4 + 0.1 * normal()),
        },
        0.8,
      );
    }
    add({ type: 'checkpoint', stage, step: steps, kind: 'end', path, sha256: sha256(path) });
    measure(stage, steps);
    const consumed = { rows: 8 * steps, sha256: sha256(labelOf(stage, run.stages)) };
    add({ type: 'stage-end', stage, row: rowOf(run, stage), consumed, seconds: 0.8 * steps, tokensPerSecond: 1250 });
  }
  add({ type: 'run-end', adapter: { path: 'adapter', sha256: sha256(ADAPTER) }, seconds });
  return events;
}

/** run.json of such a run, as it is when it is done. */
function runFileOf(run: MadeUpRun): RunFile {
  const shares = divide(run.steps, run.stages);
  const bands = Array.from({ length: BANDS }, (_, i) => ({ stage: i + 1, rows: run.rows ?? 10, tokens: 100 }));
  return {
    schema: 'phasetune/run',
    version: 2,
    status: 'done',
    started: new Date(BEGIN).toISOString(),
    finished: new Date(BEGIN + 1000 * run.steps).toISOString(),
    versions: { phasetune: '0.1.0', node: 'v20.20.2', tensorflow: '2.21.0', device: 'cpu' },
    begunIn: '/home/ann',
    recipe: { model: 'models/small', data: 'staged', out: 'checkpoints/run', order: run.order, lora: { rank: 8 } },
    order: run.order,
    seed: run.seed,
    inputs: {
      model: { path: 'models/small', files: { 'model.safetensors': `sha256:${sha256('model')}` } },
      data: { path: 'staged', manifest: sha256('manifest') },
    },
    stages: shares.map((steps, i) => {
      const ledger = { rows: 8 * steps, sha256: sha256(labelOf(i + 1, run.stages)) };
      const end = { path: `stage-${i + 1}/step-${String(steps).padStart(6, '0')}`, sha256: sha256(String(i)) };
      return {
        ...summaryOf(run, i + 1, steps),
        plan: sha256(`plan ${i}`),
        planned: ledger,
        origin: i === 0 ? { from: 'base' as const } : { from: 'previous-end' as const, path: `stage-${i}` },
        end,
        best: end,
        consumed: ledger,
        seconds: 0.8 * steps,
        tokensPerSecond: 1250,
      };
    }),
    matrix: { bands, rows: Array.from({ length: run.stages + 1 }, (_, after) => rowOf(run, after)) },
    adapter: { path: 'adapter', sha256: sha256(ADAPTER) },
    trainingSeconds: 0.8 * run.steps,
    tokensPerSecond: 1250,
    seconds: run.steps,
  };
}

/** Writes the folder of a run that never took place, valid in every file; returns its record. */
export function writeMadeUpRun(folder: string, run: MadeUpRun): RunFile {
  const events = eventsOf(run);
  const kept = run.events ?? events.length;
  const stopped = kept < events.length;
  const whole = runFileOf(run);
  const { finished: _, adapter: __, matrix, ...begun } = whole;
  const measured = events.slice(0, kept).filter(({ type }) => type === 'eval').length;
  const file: RunFile = {
    ...(stopped
      ? { ...begun, status: 'interrupted', matrix: { ...matrix!, rows: matrix!.rows.slice(0, measured) } }
      : whole),
    ...run.file,
  };
  writeLines(join(folder, 'events.jsonl'), events.slice(0, kept));
  mkdirSync(join(folder, 'adapter'), { recursive: true });
  if (!stopped) writeFileSync(join(folder, 'adapter', 'adapter_model.safetensors'), ADAPTER);
  writeFileSync(join(folder, 'run.json'), `${jsonText(file, 2)}\n`);
  return file;
}
