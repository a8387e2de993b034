import type { Backend } from '../backend/backend.js';
import type { Recipe } from '../config/recipe.js';
import type { FolderLock } from '../io/lock.js';
import { linearShapes } from '../model/parameters.js';
import { hide } from '../telemetry/redact.js';
import { fingerprintModel } from '../train/fingerprint.js';
import type { PreparedRun } from '../train/prepare.js';
import type { RunJob } from '../train/staged-run.js';
import { version } from './version.js';

/** The job of a prepared run, with what `run.json` tells about it: versions, recipe, inputs and their hashes. */
export async function runJob(
  recipe: Recipe,
  { plan, model, set }: PreparedRun,
  backend: Backend,
  lock: FolderLock,
  signal?: AbortSignal,
): Promise<RunJob> {
  const { lora, optim } = recipe;
  const versions = { phasetune: version(), node: process.version, [backend.name]: backend.version };
  return {
    folder: recipe.out,
    lock,
    plan,
    options: recipe,
    optim,
    lora,
    base: { name: hide(recipe.model), linears: linearShapes(model.config) },
    about: hide({
      versions: { ...versions, device: backend.device },
      recipe,
      inputs: {
        model: { path: recipe.model, files: await fingerprintModel(recipe.model) },
        data: { path: recipe.data, manifest: set.hash },
      },
    }),
    signal,
  };
}
