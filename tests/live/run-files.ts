import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunEvent } from '../../src/train/events.js';
import { type RunFile, writeRunFile } from '../../src/train/run-file.js';

const ledger = { rows: 0, sha256: '0'.repeat(64) };

/** A stage of a run of these tests: `steps` steps of 100 tokens, half of which are trained. */
export const stageOf = (stage: number, steps: number) => ({
  stage,
  label: `stage ${stage} of 2`,
  rows: 10 * steps,
  replayed: 0,
  steps,
  tokens: 100 * steps,
  trainedTokens: 50 * steps,
  paddedTokens: 110 * steps,
});

/** Contents of `run.json` of a run of two stages of so many steps. */
export const runFileOf = (steps: number, changes: Partial<RunFile> = {}): RunFile => ({
  schema: 'phasetune/run',
  version: 2,
  status: 'running',
  started: '2026-01-02T03:04:05.000Z',
  versions: { phasetune: '0' },
  recipe: {},
  order: 'phased',
  seed: 1,
  inputs: { model: { path: 'models/tiny', files: {} }, data: { path: 'staged', manifest: '0' } },
  stages: [1, 2].map((stage) => ({ ...stageOf(stage, steps), plan: '0', planned: ledger })),
  ...changes,
});

/** Writes the files of a run as the trainer does, an event a line. */
export interface RunWriter {
  readonly folder: string;
  record(changes?: Partial<RunFile>): Promise<void>;
  add(event: RunEvent): void;
  /** The event of a step, of the stage. */
  step(stage: number, step: number): void;
  text(text: string): void;
}

/** A folder of a run of two stages of so many steps. */
export function runWriter(folder: string, steps: number): RunWriter {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'events.jsonl');
  const text = (part: string) => appendFileSync(path, part);
  const add = (event: RunEvent) => text(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
  return {
    folder,
    record: (changes) => writeRunFile(folder, runFileOf(steps, changes)),
    add,
    text,
    step: (stage, step) =>
      add({
        type: 'step',
        stage,
        step,
        steps,
        epoch: 1,
        loss: 3 - step / steps,
        learningRate: 1e-4,
        gradNorm: 1,
        tokens: 100,
        trainedTokens: 50,
        seconds: 0.01,
        tokensPerSecond: 10_000,
      }),
  };
}

/** The first event of a run of two stages of so many steps. */
export const runEvent = (steps: number): RunEvent => ({
  type: 'run',
  order: 'phased',
  seed: 1,
  stages: [stageOf(1, steps), stageOf(2, steps)],
  bands: [
    { stage: 1, rows: 4, tokens: 40 },
    { stage: 2, rows: 4, tokens: 40 },
  ],
});

export const stageEvent = (stage: number, steps: number): RunEvent => ({
  type: 'stage',
  ...stageOf(stage, steps),
  stages: 2,
  origin: { from: stage === 1 ? 'base' : 'previous-end' },
});

export const evalEvent = (stage: number, step: number, losses: readonly number[]): RunEvent => ({
  type: 'eval',
  stage,
  step,
  losses,
  all: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
  best: true,
  seconds: 0.1,
});

/** A folder that only has a run's files of a finished run of two stages of so many steps. */
export async function finishedRun(folder: string, steps: number): Promise<RunWriter> {
  const writer = runWriter(folder, steps);
  writer.add(runEvent(steps));
  writer.add(evalEvent(0, 0, [3, 3.2]));
  for (const stage of [1, 2]) {
    writer.add(stageEvent(stage, steps));
    for (let step = 1; step <= steps; step++) writer.step(stage, step);
    writer.add(evalEvent(stage, steps, [2, 2.5]));
  }
  writer.add({ type: 'run-end', adapter: { path: 'adapter', sha256: '0'.repeat(64) }, seconds: 1 });
  await writer.record({ status: 'done', finished: '2026-01-02T03:14:05.000Z', seconds: 600 });
  writeFileSync(join(folder, 'secret.txt'), 'not for the page');
  return writer;
}
