import type { Device } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import { hashOf } from '../core/hash.js';
import type { EncodedRow } from '../data/encoded.js';
import { answerKey } from '../eval/answers/answer-ledger.js';
import { type LeftToAnswer, leftToAnswer } from '../eval/answers/plan-batches.js';
import { type HashedFolder, isModelRun, type ModelRun } from '../eval/arms/arm-run.js';
import { stagesOf } from '../eval/arms/run-source.js';
import { type ArmModel, openArmModel } from '../eval/model/arm-model.js';
import type { ChosenSet } from '../eval/sets/choose-rows.js';
import { fingerprintAdapter } from '../model/fingerprint.js';
import { PRECISIONS, type Precision } from '../program/compile-options.js';
import { decideProgram } from '../program/decide.js';
import { type LossPlan, planLosses } from '../scoring/measure-losses.js';
import { silentLogger } from '../telemetry/logger.js';
import { localTime } from '../train/prepare.js';
import type { EvalWork } from './eval-answer-work.js';
import type { Hooks } from './hooks.js';

/** A set, as one base model reads it. */
export interface EncodedSet {
  readonly set: ChosenSet;
  readonly prompts: readonly Int32Array[];
  /** Of the chosen rows, in order. */
  readonly references: readonly (EncodedRow | undefined)[];
}

/** Answers of one adapter over a base, or of the base, to a set. */
export interface AnswerJob {
  readonly base: Base;
  readonly adapter: string | undefined;
  /** The first arm and run that they are for; others may have the same. */
  readonly arm: string;
  readonly run: number;
  readonly set: EncodedSet;
  /** Ledger keys of the set's chosen rows. */
  readonly keys: readonly string[];
  readonly left: LeftToAnswer;
}

/** Losses of one adapter over a base, or of the base, on a set's references. */
export interface LossJob {
  readonly base: Base;
  readonly adapter: string | undefined;
  /** As people know it: `phased`, `phased after stage 1`. */
  readonly source: string;
  readonly set: EncodedSet;
  readonly plan: LossPlan;
}

/** A base model, opened, and the sets as it reads them. */
export interface Base {
  readonly model: ArmModel;
  readonly sets: readonly EncodedSet[];
}

/** Where answers and losses of a run of an arm are found in the ledger. */
export interface RunKeys {
  readonly arm: string;
  readonly run: number;
  readonly sets: readonly { readonly set: ChosenSet; readonly keys: readonly string[] }[];
  /** Ledger keys of the losses of chosen rows after each stage; the last has those of the run itself. */
  readonly losses: readonly {
    /** Undefined for the run's own. */
    readonly stage: number | undefined;
    readonly sets: readonly { readonly set: ChosenSet; readonly keys: readonly (string | undefined)[] }[];
  }[];
}

/** What models are to answer and to measure. */
export interface ModelWork {
  readonly answers: readonly AnswerJob[];
  readonly losses: readonly LossJob[];
  readonly keys: readonly RunKeys[];
}

/** The models of an evaluation, opened; their weights are loaded later. */
export interface Models {
  readonly device: Device;
  /** What decides answers besides the options, for `eval.json`. */
  readonly about: Readonly<Record<string, unknown>>;
  /** What is left to do where the ledger has these keys. */
  plan(has: (key: string) => boolean): Promise<ModelWork>;
  close(): Promise<void>;
}

/** A run of an arm over its base. */
interface Placed {
  readonly arm: string;
  readonly run: number;
  readonly source: ModelRun;
  readonly base: Base;
}

/**
 * Opens the models of all arms that answer, checks their adapters, and encodes the sets. Loads the backend, but no
 * weights. Throws usage and data errors.
 */
export async function openModels(work: EvalWork, hooks: Hooks): Promise<Models> {
  const { options, arms, before } = work;
  const { logger = silentLogger, verbose = false } = hooks;
  const backend = await loadBackend({ device: options.device, logger, verbose });
  const compile = await decideProgram({ ...options, precision: precisionOf(work) }, backend, { logger, decodes: true });
  const pinned = before?.answering.templateTime;
  const time = typeof pinned === 'string' ? pinned : localTime(new Date());
  const bases = new Map<string, Base>();
  const close = async () => {
    for (const { model } of bases.values()) await model.close();
  };
  const baseOf = async ({ model: { path, files } }: ModelRun): Promise<Base> => {
    const key = hashOf(files);
    const forecastMemory = backend.device !== 'cuda';
    const { template, system } = options;
    const opened =
      bases.get(key) ??
      (await openBase(
        work,
        await openArmModel(path, { compile, template, system, now: new Date(time), forecastMemory, logger }),
      ));
    bases.set(key, opened);
    return opened;
  };
  try {
    const runs: Placed[] = [];
    for (const { name, runs: sources } of arms)
      for (const [i, source] of sources.entries())
        if (isModelRun(source)) runs.push({ arm: name, run: i + 1, source, base: await baseOf(source) });
    for (const { source, base } of runs) if (source.adapter) await base.model.adapter(source.adapter.path);
    const { precision, loadIn16bit, loadIn8bit, loadIn4bit } = compile;
    const held = { precision, loadIn8bit, ...(loadIn16bit && { loadIn16bit }), ...(loadIn4bit && { loadIn4bit }) };
    const usesClock = options.template === 'chat' && [...bases.values()].some(({ model }) => model.usesClock);
    return {
      device: backend.device,
      about: { ...held, ...(usesClock && { templateTime: time }) },
      plan: (has) => planModels(runs, held, work, has),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** With `auto` an evaluation continues in the type of products that it has answers of. */
function precisionOf({ options: { precision }, before }: EvalWork): Precision | 'auto' {
  const recorded = PRECISIONS.find((each) => each === before?.answering.precision);
  return precision === 'auto' ? (recorded ?? 'auto') : precision;
}

async function openBase({ sets, options }: EvalWork, model: ArmModel): Promise<Base> {
  try {
    const encoded: EncodedSet[] = [];
    for (const set of sets)
      encoded.push({
        set,
        prompts: await model.prompts(set.chosen, options.maxTokens),
        references: options.loss ? await model.references(set.chosen) : set.chosen.map(() => undefined),
      });
    return { model, sets: encoded };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** Precision, as far as it decides answers and losses. */
type Held = Readonly<Record<string, unknown>>;

/** What is planned so far, and which of it is planned already for another arm. */
interface Planning {
  readonly work: EvalWork;
  readonly held: Held;
  readonly has: (key: string) => boolean;
  isNew(what: string): boolean;
  readonly answers: AnswerJob[];
  readonly losses: LossJob[];
}

async function planModels(
  runs: readonly Placed[],
  held: Held,
  work: EvalWork,
  has: (key: string) => boolean,
): Promise<ModelWork> {
  const planned = new Set<string>();
  const isNew = (what: string) => !planned.has(what) && planned.add(what).has(what);
  const planning: Planning = { work, held, has, isNew, answers: [], losses: [] };
  const keys: RunKeys[] = [];
  for (const placed of runs) {
    const sets = planAnswers(planning, placed);
    const losses = work.options.loss ? await planAllLosses(planning, placed) : [];
    keys.push({ arm: placed.arm, run: placed.run, sets, losses });
  }
  const { answers, losses } = planning;
  const bases = [...new Set(runs.map(({ base }) => base))];
  // Jobs of one program follow one another: answers of one set have the same, and losses of all sets.
  const order = ({ base, adapter }: { base: Base; adapter: string | undefined }) =>
    2 * bases.indexOf(base) + (adapter === undefined ? 0 : 1);
  const setOf = ({ base, set }: AnswerJob) => base.sets.indexOf(set);
  return {
    answers: answers.sort(
      (x, y) => bases.indexOf(x.base) - bases.indexOf(y.base) || setOf(x) - setOf(y) || order(x) - order(y),
    ),
    losses: losses.sort((x, y) => order(x) - order(y)),
    keys,
  };
}

/** Hashes of the files of who answers. */
const whoOf = (model: HashedFolder, adapter: HashedFolder | undefined) => ({
  model: hashOf(model.files),
  ...(adapter && { adapter: hashOf(adapter.files) }),
});

function planAnswers(planning: Planning, { arm, run, source, base }: Placed): RunKeys['sets'] {
  const { work, held, has, isNew, answers } = planning;
  const { maxTokens, temperature, topK, topP, seed, batch } = work.options;
  const decoding = { maxTokens, temperature, topK, topP, seed };
  const drawn = temperature > 0 ? decoding : { maxTokens };
  const asked = hashOf({ ...whoOf(source.model, source.adapter), ...drawn, ...held });
  return base.sets.map((set) => {
    const keys = set.prompts.map((prompt, i) => answerKey(asked, prompt, i, decoding));
    if (isNew(`answers ${asked} ${set.set.name}`)) {
      const left = leftToAnswer(set.prompts, keys, decoding, batch, has);
      answers.push({ base, adapter: source.adapter?.path, arm, run, set, keys, left });
    }
    return { set: set.set, keys };
  });
}

/** An adapter whose losses are measured: the run's own, or, with a stage, the one after it. */
interface Measured {
  readonly stage: number | undefined;
  readonly adapter: HashedFolder | undefined;
}

async function planAllLosses(planning: Planning, placed: Placed): Promise<RunKeys['losses']> {
  const measured = await measuredOf(placed.source);
  return measured.map((each) => ({ stage: each.stage, sets: planSourceLosses(planning, placed, each) }));
}

/** The run's own adapter, and, where it was trained in stages, that of every stage before, and the base. */
async function measuredOf({ adapter, trained }: ModelRun): Promise<Measured[]> {
  const own: Measured = { stage: undefined, adapter };
  if (!trained || !adapter) return [own];
  const stages: Measured[] = [];
  for (const { stage, adapter: path } of await stagesOf(trained)) {
    const files = path === undefined || stage === trained.stage ? undefined : await fingerprintAdapter(path);
    stages.push({ stage, adapter: stage === trained.stage ? adapter : files && { path: path!, files } });
  }
  return [own, ...stages];
}

function planSourceLosses(planning: Planning, { arm, source, base }: Placed, { stage, adapter }: Measured) {
  const { work, held, has, isNew, losses } = planning;
  const asked = hashOf({ ...whoOf(source.model, adapter), ...held });
  const name = stage === undefined ? arm : `${arm} after stage ${stage}`;
  return base.sets.map((set) => {
    const rows = set.references.filter((row) => row !== undefined);
    const plan = planLosses(rows, asked, has, work.options.batch);
    if (rows.length > 0 && isNew(`losses ${asked} ${set.set.name}`))
      losses.push({ base, adapter: adapter?.path, source: name, set, plan });
    return { set: set.set, keys: set.references.map((row) => row && plan.keyOf(row)) };
  });
}
