import { resolve } from 'node:path';
import type { Backend } from '../backend/backend.js';
import { startWorker } from '../backend/native/worker.js';
import type { Recipe } from '../config/recipe.js';
import { makeSharedFloats } from '../io/shared-floats.js';
import type { ModelFolder } from '../model/load.js';
import type { CompileOptions } from '../program/compile-options.js';
import { distributedTuner } from '../train/distributed/distributed-tuner.js';
import { sharedNumbers } from '../train/distributed/exchange.js';
import { startGroup } from '../train/distributed/group.js';
import { loraSpec } from '../train/lora-spec.js';
import { loraTuner } from '../train/lora-tuner.js';
import type { Tuner } from '../train/tuner.js';

/** A run's tuner and what it is made of. */
export interface DevicesJob {
  readonly recipe: Pick<Recipe, 'model' | 'lora' | 'optim' | 'gradientCheckpointing' | 'devices'>;
  readonly compile: CompileOptions;
  readonly model: ModelFolder;
  readonly backend: Backend;
  /** See `ChosenDevice`. */
  readonly cards: readonly string[];
  readonly verbose: boolean;
}

/** The tuner to train with, and how to end what was started for it. */
export interface Devices {
  readonly tuner: Tuner;
  end(): Promise<void>;
}

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './train-worker.ts' : './train-worker.js', import.meta.url);

/**
 * A tuner on all devices of a run: this process is that of the first, and starts one for each other. They are
 * made ready at once. The caller ends them, whatever comes of the run.
 */
export async function startDevices(job: DevicesJob): Promise<Devices> {
  const { devices = [] } = job.recipe;
  const made = devices.length > 1 ? startProcesses(job, devices) : undefined;
  try {
    const local = await loraTuner(tunerOptions(job));
    const end = async () => {
      await made?.group.end();
      local.tuner.dispose();
    };
    if (!made) return { tuner: local.tuner, end };
    await made.ready.catch((error) => {
      local.tuner.dispose();
      throw error;
    });
    return { tuner: distributedTuner(local, made.group), end };
  } catch (error) {
    await made?.group.end();
    throw error;
  }
}

const tunerOptions = ({ recipe, compile, backend, model }: DevicesJob) => {
  const { lora, optim, gradientCheckpointing } = recipe;
  return { backend, model, lora, optim, gradientCheckpointing, compile };
};

function startProcesses(job: DevicesJob, devices: readonly number[]) {
  const { recipe, backend, cards, verbose } = job;
  // The first process speaks for all of them.
  const { warn: _, ...compile } = job.compile;
  const { lora, optim, gradientCheckpointing } = recipe;
  const ranks = devices.length;
  const { groups } = loraSpec(job.model.config, tunerOptions(job));
  const size = groups.reduce((n, { tensors }) => n + tensors.size, 0);
  const shared = makeSharedFloats(sharedNumbers(size, ranks));
  const device = backend.device === 'cuda' ? ('cuda' as const) : ('cpu' as const);
  const setup = { ranks, model: resolve(recipe.model), device, lora, optim, gradientCheckpointing, compile, verbose };
  return startGroup({
    devices,
    shared,
    setup: (rank) => ({ ...setup, rank, card: cards[rank] }),
    start: (listener) => startWorker(WORKER, { file: shared.file, verbose }, listener),
  });
}
