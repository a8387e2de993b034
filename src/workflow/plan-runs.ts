import type { Recipe } from '../config/recipe.js';
import { sha256, stableJson } from '../core/hash.js';
import type { StagedSet } from '../curriculum/types.js';
import type { KnownSizes } from '../data/batch-plan.js';
import type { EncodedRow } from '../data/encoded.js';
import { encodeOptionsSchema } from '../data/options.js';
import { adapterSpecs } from '../lora/adapter.js';
import type { ModelConfig } from '../model/config.js';
import { fingerprintModel } from '../model/fingerprint.js';
import { linearShapes } from '../model/parameters.js';
import { type EntryBatches, entryBatches } from '../train/entry-shapes.js';
import { encodeSet, localTime, type OpenedBase, openBase, planSet, readSet, templateTimeOf } from '../train/prepare.js';
import { roughTensors } from '../train/rough-memory.js';
import { measurements, type RunPlan } from '../train/run-plan.js';
import { planWarnings } from '../train/warnings.js';
import { chooseCards } from './cards.js';
import { decideBatches } from './decide-batches.js';
import type { ForecastQuestion } from './forecast.js';
import type { Hooks } from './hooks.js';

/** What is known about a run of many before any of them begins. */
export interface RunSummary {
  /** With what decides its batches and its texts: `train` makes the same plan of it. */
  readonly recipe: Recipe;
  readonly stages: number;
  readonly steps: number;
  /** Tokens, and those of them that are trained; padding is not counted. */
  readonly tokens: number;
  readonly trainedTokens: number;
  /** Trained tokens of the largest step. */
  readonly largestStep: number;
  readonly heldOutRows: number;
  /** Tokens of the held-out rows, as often as they are measured. */
  readonly measuredTokens: number;
  /** Numbers of its adapter. */
  readonly adapterSize: number;
  /** Floating-point operations of its products with frozen weights for one token, forward and backward. */
  readonly flopPerToken: number;
  /** A rough measure of its memory, to compare runs by. */
  readonly roughBytes: number;
  /** What its memory and this machine's speed can be worked out from. */
  readonly question: ForecastQuestion;
  readonly warnings: readonly string[];
}

/** Plans many runs over few models and sets: a model is opened once, and a set read and encoded once for it. */
export interface RunPlanner {
  /** The plan that `train` makes of a recipe. Throws its errors of options and inputs. */
  plan(recipe: Recipe): Promise<RunSummary>;
  /** Files of a model and their hashes. */
  modelFiles(model: string): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

/** What plans share, made when it is first asked for. */
type Shared<T> = (key: string, make: () => Promise<T>) => Promise<T>;

function shared<T>(): Shared<T> & { all(): Promise<T>[] } {
  const made = new Map<string, Promise<T>>();
  const get: Shared<T> = (key, make) => {
    const known = made.get(key);
    if (known) return known;
    const making = make();
    made.set(key, making);
    return making;
  };
  return Object.assign(get, { all: () => [...made.values()] });
}

interface EncodedSet {
  /** Names the rows as they are encoded: equal for sets of the same rows, however they are cut. */
  readonly key: string;
  readonly rows: readonly EncodedRow[];
  readonly warnings: readonly string[];
}

type OfRecipe = 'recipe' | 'adapterSize' | 'flopPerToken' | 'roughBytes' | 'question';
type Plan = Omit<RunSummary, OfRecipe> & { readonly batches: EntryBatches };

type DecidedBatches = Pick<Recipe, 'microBatches' | 'maxShapes'>;

/** Opens a planner; `close` it. All of its runs print the same time, where a chat template prints one. */
export function openRunPlanner(hooks: Hooks = {}): RunPlanner {
  const [bases, sets, files] = [shared<OpenedBase>(), shared<StagedSet>(), shared<Record<string, string>>()];
  const batches = shared<DecidedBatches>();
  const [keys, encoded, plans] = [shared<string>(), shared<EncodedSet>(), shared<Plan>()];
  const sizes: KnownSizes = new Map();
  const now = localTime(new Date());
  const baseOf = ({ model, templateTime, lora }: Recipe) =>
    bases(stableJson([model, templateTime]), () => openBase({ model, templateTime, lora }, now));
  const batchesOf = (recipe: Recipe): Promise<DecidedBatches> => {
    const { devices, microBatches, accumulate, maxShapes, mode, compile } = recipe;
    const key = stableJson([devices, microBatches, accumulate, maxShapes, mode, compile]);
    return batches(key, async () => {
      const decided = await decideBatches(recipe, await chooseCards({ device: 'auto', devices }), hooks);
      return pick(decided, ['microBatches', 'maxShapes']) as DecidedBatches;
    });
  };
  const rowsOf = async (recipe: Recipe, base: OpenedBase, set: StagedSet): Promise<EncodedSet> => {
    const options = encodeOptionsSchema.parse(pick(recipe, Object.keys(encodeOptionsSchema.shape)));
    const content = await keys(recipe.data, async () => contentOf(set));
    const key = stableJson([recipe.model, base.time, options, content]);
    return encoded(key, async () => {
      const signal = hooks.signal;
      return { key: sha256(key), ...(await encodeSet(set, base, options, { ...(signal && { signal }) })) };
    });
  };
  return {
    async plan(given) {
      const decided = { ...given, ...(await batchesOf(given)) };
      const set = await sets(decided.data, () => readSet(decided));
      const base = await baseOf(decided);
      const specs = adapterSpecs(linearShapes(base.model.config), decided.lora);
      const adapterSize = [...specs.values()].reduce((n, shape) => n + shape.reduce((x, y) => x * y, 1), 0);
      const { key, rows, warnings } = await rowsOf(decided, base, set);
      const { lora: _, out: __, model: ___, ...decides } = decided;
      const plan = await plans(stableJson([key, set.hash, decides]), async () => summarise(decided, set, rows, sizes));
      const time = templateTimeOf(base, decided);
      const recipe = time === undefined ? decided : { ...decided, templateTime: time };
      const { batches, ...summary } = plan;
      const { config } = base.model;
      const weights = productWeights(config);
      return {
        ...summary,
        recipe,
        adapterSize,
        // 2 forward and 2 for the gradient of the inputs; a frozen weight has none itself.
        flopPerToken: 4 * weights,
        roughBytes: 2 * weights + 16 * adapterSize + roughTensors({ config, batches }),
        question: { recipe, config, batches },
        warnings: [...warnings, ...plan.warnings],
      };
    },
    modelFiles: (model) => files(model, () => fingerprintModel(model)),
    async close() {
      for (const opened of bases.all()) await opened.then(({ model }) => model.close()).catch(() => {});
    },
  };
}

/** Weights that a token is multiplied with: of all projections and the head. */
const productWeights = (config: ModelConfig): number =>
  [...linearShapes(config).values()].reduce((n, { inputs, outputs }) => n + inputs * outputs, 0) +
  config.vocab_size * config.hidden_size;

const pick = (from: object, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));

/** Hash of a set's rows without their scores and stages. */
function contentOf({ stages, holdout }: StagedSet): string {
  const rows = [...stages.flatMap(({ rows }) => rows), ...holdout].map(({ score: _, stage: __, ...row }) =>
    stableJson(row),
  );
  return sha256(rows.sort().join('\n'));
}

function summarise(recipe: Recipe, set: StagedSet, rows: readonly EncodedRow[], sizes: KnownSizes): Plan {
  const plan = planSet(set, rows, recipe, sizes);
  const total = (of: (stage: (typeof plan.stages)[number]) => number) => plan.stages.reduce((n, s) => n + of(s), 0);
  return {
    stages: plan.stages.length,
    steps: total(({ batches }) => batches.steps.length),
    tokens: total(({ batches }) => batches.tokens),
    trainedTokens: total(({ batches }) => batches.trainedTokens),
    largestStep: plan.stages
      .flatMap(({ batches }) => batches.steps)
      .reduce((most, { trainedTokens }) => Math.max(most, trainedTokens), 0),
    heldOutRows: plan.holdout?.bands.reduce((n, band) => n + band.rows, 0) ?? 0,
    measuredTokens: measuredTokens(plan, recipe),
    warnings: planWarnings(plan, recipe),
    batches: entryBatches(plan),
  };
}

function measuredTokens({ stages, holdout }: RunPlan, { evalEvery }: Recipe): number {
  const rows = holdout?.batches.flatMap(({ lines }) => lines.flat()) ?? [];
  const times = measurements(
    evalEvery,
    stages.map(({ batches }) => batches),
  );
  return times * rows.reduce((n, { ids }) => n + ids.length, 0);
}
