import type { Backend } from '../backend/backend.js';
import type { Recipe } from '../config/recipe.js';
import { version } from '../core/version.js';
import type { FolderLock } from '../io/lock.js';
import { linearShapes } from '../model/parameters.js';
import { hide } from '../telemetry/redact.js';
import { recordInputs } from '../train/begun-in.js';
import { fingerprintModel } from '../train/fingerprint.js';
import type { PreparedRun } from '../train/prepare.js';
import type { RunFile } from '../train/run-file.js';
import type { RunJob } from '../train/staged-run.js';

/** The job of a prepared run, a resumed one where `run` is given, with what `run.json` tells about it: versions, recipe, inputs and their hashes. */
export async function runJob(
  given: Recipe,
  { plan, model, set }: PreparedRun,
  backend: Backend,
  lock: FolderLock,
  { run, signal }: { readonly run?: RunFile | undefined; readonly signal?: AbortSignal } = {},
): Promise<RunJob> {
  const { recipe, begunIn } = recordInputs(given, run, process.cwd());
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
      begunIn,
      recipe,
      inputs: {
        model: { path: recipe.model, files: await fingerprintModel(given.model) },
        data: { path: recipe.data, manifest: set.hash },
      },
    }),
    signal,
  };
}
