import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { jsonText } from '../../src/core/json-text.js';
import { random } from '../../src/core/random.js';
import { boardWriter } from '../../src/tensorboard/event-writer.js';
import type { RunEvent, StageSummary } from '../../src/train/events.js';
import type { RunFile } from '../../src/train/run-file.js';
import { temporaryFolder } from './folder.js';

/** A run whose files are written by a test, as training would write them. */
export interface ScriptedRun {
  readonly folder: string;
  /** All events of the run up to its end; an `attempt` has its own values of losses. */
  events(attempt?: number): RunEvent[];
  /** Writes `events.jsonl` with these events, a second apart. */
  write(events: readonly RunEvent[]): void;
  /** Writes `run.json`. */
  writeRun(changes?: Partial<RunFile>): void;
}

/** When scripted runs begin. */
export const STARTED = '2026-01-02T03:04:05.678Z';

const HASH = '0'.repeat(64);

/** What may differ from one scripted run to the next. */
export interface ScriptedOptions {
  readonly stages?: number;
  readonly steps?: number;
  readonly evalEvery?: number;
  readonly logEvery?: number;
  readonly recipe?: Readonly<Record<string, unknown>>;
  readonly folder?: string;
  /** A stage and step at which the run goes back to its last checkpoint. */
  readonly spike?: { readonly stage: number; readonly step: number };
}

const RECIPE = {
  ...{ model: '/models/tiny', data: 'staged', out: 'run', order: 'phased', seed: 3, stages: [], batchRows: 4 },
  ...{ logEvery: 1, lora: { rank: 8, rsLora: false }, optim: { learningRate: 2e-4, betas: [0.9, 0.999] } },
};

/** A run of two stages of six steps, with a checkpoint at each third step and a held-out loss every four. */
export function scriptedRun(options: ScriptedOptions = {}): ScriptedRun {
  const { stages: count = 2, steps = 6, evalEvery = 4, logEvery = 1, spike, recipe = {} } = options;
  const folder = options.folder ?? join(temporaryFolder('scripted'), 'run');
  const stages: StageSummary[] = Array.from({ length: count }, (_, i) => ({
    ...{ stage: i + 1, label: `stage ${i + 1} of ${count}`, rows: 8, replayed: 0, steps },
    ...{ tokens: 100 * steps, trainedTokens: 50 * steps, paddedTokens: 128 * steps },
  }));
  const bands = [1, 2, 3].map((stage) => ({ stage, rows: 4, tokens: 40 }));
  const consumed = { rows: 8, sha256: HASH };

  function* stageEvents(stage: number, draw: () => number): Generator<RunEvent> {
    const measured = (step: number): RunEvent => ({
      ...{ type: 'eval', stage, step, losses: bands.map(draw), all: draw(), best: true, seconds: 1 },
    });
    const checkpoint = (step: number, kind: 'begin' | 'step' | 'end'): RunEvent => ({
      ...{ type: 'checkpoint', stage, step, kind, path: `stage-${stage}/step-${step}`, sha256: HASH },
    });
    yield { type: 'stage', ...stages[stage - 1]!, stages: count, origin: { from: 'base' } };
    yield checkpoint(0, 'begin');
    const jump = spike?.stage === stage ? spike.step : undefined;
    for (let step = 1; step <= steps; step++) {
      if (step === jump) {
        const rows = ['a', 'b'];
        yield { type: 'spike', stage, step, action: 'rollback', loss: Number.NaN, lossLimit: 9, gradNorm: 1, rows };
        continue;
      }
      if (step % logEvery === 0 || step === steps)
        yield {
          ...{
            type: 'step',
            stage,
            step,
            steps,
            epoch: 1,
            loss: draw(),
            learningRate: draw() * 1e-4,
            gradNorm: draw(),
          },
          ...{ tokens: 100, trainedTokens: 50, seconds: 0.1, tokensPerSecond: 1000 * draw() },
        };
      if (step % 3 === 0 && step < steps) yield checkpoint(step, 'step');
      if (step % evalEvery === 0 && step < steps) yield measured(step);
    }
    yield checkpoint(steps, 'end');
    yield measured(steps);
    yield { type: 'stage-end', stage, consumed, seconds: 1 };
  }

  return {
    folder,
    events(attempt = 0) {
      const { uniform } = random(attempt, 'scripted-run');
      const draw = () => 0.1 + uniform();
      const losses = bands.map(draw);
      return [
        { type: 'run', order: 'phased', seed: 3, stages, bands },
        { type: 'eval', stage: 0, step: 0, losses, all: draw(), best: true, seconds: 1 },
        ...stages.flatMap(({ stage }) => [...stageEvents(stage, draw)]),
        { type: 'run-end', adapter: { path: 'adapter', sha256: HASH }, seconds: 9 },
      ];
    },
    write(events) {
      const time = (i: number) => new Date(Date.parse(STARTED) + 1000 * i).toISOString();
      mkdirSync(folder, { recursive: true });
      const lines = events.map((event, i) => `${jsonText({ time: time(i), ...event })}\n`);
      writeFileSync(join(folder, 'events.jsonl'), lines.join(''));
    },
    writeRun(changes = {}) {
      mkdirSync(folder, { recursive: true });
      const run: RunFile = {
        ...{
          schema: 'phasetune/run',
          version: 2,
          status: 'running',
          started: STARTED,
          versions: { phasetune: '0.1.0' },
        },
        ...{ recipe: { ...RECIPE, ...recipe }, order: 'phased', seed: 3 },
        inputs: { model: { path: '/models/tiny', files: {} }, data: { path: 'staged', manifest: HASH } },
        stages: stages.map((stage) => ({ ...stage, plan: HASH, planned: consumed })),
        ...changes,
      };
      writeFileSync(join(folder, 'run.json'), jsonText(run, 2));
    },
  };
}

/** Writes what happens in one go of a run: what `events.jsonl` keeps, then these events, one after another. */
export async function writeGo(
  run: ScriptedRun,
  board: string,
  kept: readonly RunEvent[],
  events: readonly RunEvent[],
): Promise<void> {
  run.write(kept);
  run.writeRun();
  const writer = boardWriter(board, run.folder);
  for (const event of events) expect(await writer.add(event)).toBeUndefined();
  await writer.close();
}
