import { basename, dirname, join } from 'node:path';
import { dataError, usageError } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import { exists, hashFile, listFolder, statPath } from '../../io/files.js';
import { readJson } from '../../io/json.js';
import { fingerprintAdapter, fingerprintModel } from '../../model/fingerprint.js';
import type { Arm, ArmRun, HashedFolder } from './arm-run.js';
import type { NamedArm } from './parse-arms.js';
import { type RunSource, readRunSource, stageOf } from './run-source.js';

/** Reads the files of a model's folder once, however many arms use it. */
type Hashes = (folder: string) => Promise<Readonly<Record<string, string>>>;

/**
 * Finds out what each source of each arm is: a run's folder, one of its stages (`run@stage-2`, `run@base`), an
 * adapter, a model folder, or a file of answers. `base` is that of adapters, and of runs whose base was moved.
 * Nothing is loaded, but files are hashed. Throws usage and data errors that name the arm.
 */
export async function openArms(named: readonly NamedArm[], model?: string): Promise<Arm[]> {
  const hashes = onceEach(fingerprintModel);
  const arms: Arm[] = [];
  for (const { name, sources } of named) {
    const runs: ArmRun[] = [];
    for (const source of sources) runs.push(await openSource(name, source, { model, hashes }));
    arms.push({ name, runs });
  }
  return arms;
}

function onceEach(hash: Hashes): Hashes {
  const done = new Map<string, ReturnType<Hashes>>();
  return (folder) => {
    const files = done.get(folder) ?? hash(folder);
    done.set(folder, files);
    return files;
  };
}

/** What sources are looked up with. */
interface Lookup {
  readonly model: string | undefined;
  readonly hashes: Hashes;
}

async function openSource(arm: string, source: string, lookup: Lookup): Promise<ArmRun> {
  const { kind } = await statPath(source);
  if (kind === 'file') return { source, answers: await hashFile(source) };
  if (kind === 'folder') return openFolder(arm, source, lookup);
  const stage = stageOf(source);
  if (stage && exists(join(stage.run, 'run.json')))
    return fromRun(arm, source, await readRunSource(stage.run, stage.stage, lookup.model), lookup);
  throw await nothingThere(arm, source, stage?.run);
}

async function openFolder(arm: string, source: string, lookup: Lookup): Promise<ArmRun> {
  if (exists(join(source, 'run.json')))
    return fromRun(arm, source, await readRunSource(source, undefined, lookup.model), lookup);
  if (exists(join(source, 'adapter_config.json'))) return fromAdapter(arm, source, lookup);
  if (exists(join(source, 'config.json'))) return { source, model: await hashedModel(source, lookup) };
  throw dataError(
    `arm ${arm}: ${source}: expected a run's folder (with run.json), an adapter (adapter_config.json), a model (config.json), or a file of answers`,
    { file: source },
  );
}

const hashedModel = async (path: string, { hashes }: Lookup): Promise<HashedFolder> => ({
  path,
  files: await hashes(path),
});

const hashedAdapter = async (path: string): Promise<HashedFolder> => ({ path, files: await fingerprintAdapter(path) });

async function fromRun(arm: string, source: string, run: RunSource, lookup: Lookup): Promise<ArmRun> {
  const model = await hashedModel(run.model, lookup);
  checkBase(`arm ${arm}: ${source}`, run, model);
  return {
    source,
    model,
    ...(run.adapter !== undefined && { adapter: await hashedAdapter(run.adapter) }),
    trained: run.trained,
  };
}

/** Refuses a base that differs from the one that a run was trained on. */
function checkBase(what: string, { modelFiles }: Pick<RunSource, 'modelFiles'>, { path, files }: HashedFolder): void {
  const changed = Object.keys({ ...modelFiles, ...files }).filter((name) => modelFiles[name] !== files[name]);
  if (changed.length === 0) return;
  throw dataError(
    `${what}: it was trained on another model than ${path}, whose ${changed.join(', ')} ${changed.length === 1 ? 'differs' : 'differ'} from what the run recorded`,
    { file: path, remedies: [{ option: 'base', change: 'set', note: 'to the model that it was trained on' }] },
  );
}

/** An adapter that lies in a run's folder has the run's base; any other says what its base is, or `model` does. */
async function fromAdapter(arm: string, source: string, lookup: Lookup): Promise<ArmRun> {
  const run = await runAround(source, lookup.model);
  const path = run?.model ?? lookup.model ?? (await baseOfAdapter(arm, source));
  const model = await hashedModel(path, lookup);
  if (run) checkBase(`arm ${arm}: ${source}`, run, model);
  return { source, model, adapter: await hashedAdapter(source), ...(run && { trained: run.trained }) };
}

/** The run that an adapter's folder belongs to, `RUN/adapter` or `RUN/stage-2/step-000040`. */
async function runAround(folder: string, model: string | undefined): Promise<RunSource | undefined> {
  const above = dirname(folder);
  if (basename(folder) === 'adapter' && exists(join(above, 'run.json'))) {
    const run = await readRunSource(above, undefined, model);
    return run.adapter === join(above, 'adapter') ? run : undefined;
  }
  const stage = basename(above);
  if (!/^stage-\d+$/.test(stage) || !exists(join(dirname(above), 'run.json'))) return undefined;
  const run = await readRunSource(dirname(above), 'base', model);
  return { ...run, trained: { run: dirname(above), stage: Number(stage.slice('stage-'.length)) } };
}

async function baseOfAdapter(arm: string, source: string): Promise<string> {
  const config = (await readJson(join(source, 'adapter_config.json'))) as { base_model_name_or_path?: unknown } | null;
  const name = config?.base_model_name_or_path;
  if (typeof name === 'string' && exists(join(name, 'config.json'))) return name;
  const said =
    typeof name === 'string' ? `was trained on ${name}, which is not a folder here` : 'does not say its base';
  throw usageError(`arm ${arm}: the adapter ${source} ${said}`, {
    option: 'base',
    file: source,
    remedies: [{ option: 'base', change: 'set', note: 'to the folder of its base model' }],
  });
}

async function nothingThere(arm: string, source: string, run: string | undefined) {
  const path = run !== undefined && exists(run) ? run : source;
  if (path !== source)
    return dataError(`arm ${arm}: ${source}: ${path} is not a run (no run.json in it)`, { file: path });
  const above = dirname(source);
  const { kind } = await statPath(above);
  const beside = kind === 'folder' ? await listFolder(above) : [];
  return dataError(`arm ${arm}: there is no ${source}${didYouMean(basename(source), beside)}`, { file: source });
}
