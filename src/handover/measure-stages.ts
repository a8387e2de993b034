import { version as nodeVersion } from 'node:process';
import { loadBackend } from '../backend/load.js';
import type { Recipe } from '../config/recipe.js';
import { PhasetuneError } from '../core/errors.js';
import { version } from '../core/version.js';
import type { AdapterTensors } from '../lora/adapter.js';
import type { ModelFolder } from '../model/load.js';
import { withPrecision } from '../program/decide.js';
import { compileOptions } from '../program/options.js';
import { entryBatches, inputShapes } from '../train/entry-shapes.js';
import { evaluateHoldout, type HeldOutLosses, type HoldoutPlan } from '../train/holdout.js';
import { loraTuner } from '../train/lora-tuner.js';
import type { Hooks } from '../workflow/hooks.js';
import type { ImportHandoverOptions } from './import-options.js';

/** What is measured, and with what. */
export interface MeasuringJob {
  readonly recipe: Recipe;
  readonly model: ModelFolder;
  readonly holdout: HoldoutPlan;
  /** Reads the adapter of a stage; 0 is the one that the first stage began with, whose B is zero. */
  adapter(stage: number): Promise<AdapterTensors>;
  readonly stages: number;
}

/** Held-out losses before training and after each stage, and how they were measured. */
export interface MeasuredStages {
  readonly losses: readonly (HeldOutLosses & { readonly seconds: number })[];
  /** The recipe with what was decided here. */
  readonly recipe: Recipe;
  readonly versions: Readonly<Record<string, string>>;
}

/** Measures the held-out loss as `train` does, before any training and after every stage. */
export async function measureStages(
  { recipe: given, model, holdout, adapter, stages }: MeasuringJob,
  { device }: Pick<ImportHandoverOptions, 'device'>,
  { logger, verbose = false, signal, onProgress }: Hooks,
): Promise<MeasuredStages> {
  const backend = await loadBackend({ device, verbose, ...(logger && { logger }) });
  const { options } = await withPrecision(given, backend, { logger });
  const program = compileOptions(options, backend);
  const { kernels: _, ...decided } = program;
  const recipe = { ...options, ...decided };
  const { lora, optim } = recipe;
  const shapes = inputShapes(entryBatches({ stages: [], holdout }));
  const { tuner } = await loraTuner({
    backend,
    model,
    lora,
    optim,
    compile: { ...program, shapes, warn: logger?.warn },
  });
  try {
    await tuner.loadBase([]);
    const losses: MeasuredStages['losses'][number][] = [];
    const total = holdout.batches.length * (stages + 1);
    for (let stage = 0; stage <= stages; stage++) {
      const start = performance.now();
      tuner.write('adapter', await adapter(stage));
      const measuring = evaluateHoldout(tuner, holdout, signal);
      let next = await measuring.next();
      for (; !next.done; next = await measuring.next()) {
        const done = losses.length * holdout.batches.length + next.value.done;
        onProgress?.({ label: 'held-out loss', done, total, unit: 'batches', note: undefined, ended: done === total });
      }
      if (!next.value) throw new PhasetuneError('interrupted', 'interrupted while measuring; nothing was written');
      losses.push({ ...next.value, seconds: (performance.now() - start) / 1000 });
    }
    const versions = {
      phasetune: version(),
      node: nodeVersion,
      [backend.name]: backend.version,
      device: backend.device,
    };
    return { losses, recipe, versions };
  } finally {
    tuner.dispose();
  }
}
