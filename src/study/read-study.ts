import type * as z from 'zod';
import { jsonSchemaOf } from '../config/from-zod.js';
import { optionPaths, schemaAt } from '../config/json-schema.js';
import { type Layer, resolveLayers } from '../config/layers.js';
import type { Mapping } from '../config/paths.js';
import { recipeSchema } from '../config/recipe.js';
import { fileLayer, recipeLayer } from '../config/sources.js';
import { usageError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { namedValues } from './names.js';
import { type Overrides, type StudyFile, studyFileSchema } from './study-file.js';
import { decideMetric } from './win-rate-options.js';

const studyJson = jsonSchemaOf(studyFileSchema);
const baseSchema = recipeSchema.partial({ model: true, data: true, out: true });
const baseJson = jsonSchemaOf(baseSchema);
type BaseRecipe = Omit<z.infer<typeof baseSchema>, 'out' | 'seed'>;

/** A study with every option decided, and where each is written. */
export interface DecidedStudy {
  /**
   * Arms of `expand` are among the arms, `expand` is empty, axes have values by name, seeds are a list, `compare` is
   * there, and `base` is the recipe's options with their defaults.
   */
  readonly study: StudyFile;
  /** Names a key in an error: `study.yaml:12: arms.phased.order`. */
  where(path: readonly PropertyKey[]): string;
}

/** Options of a recipe that no arm and no axis may change, and why. */
const FIXED: Readonly<Record<string, string>> = {
  seed: 'the seeds are those of the study (`seeds`), the same for all arms',
  out: 'every cell has its own folder in that of the study',
  data: 'all arms train on the same rows (`data` of the study; for other rows there is the axis `dataset`)',
  resume: 'cells always continue where they stopped',
  ...Object.fromEntries(
    ['budget', 'epochs', 'steps', 'tokens'].map((option) => [
      option,
      'all arms train on the same number of tokens (`budget` of the study)',
    ]),
  ),
};

/**
 * Reads a study file, YAML or JSON, and its recipe, and decides every option. Throws a usage error
 * that names file, line and key.
 */
export async function readStudyFile(file: string): Promise<DecidedStudy> {
  const layer = await fileLayer(file, 'one study');
  const read = resolveLayers(studyFileSchema, studyJson, [layer]);
  const expanded = expandArms(read, layer);
  const where = (path: readonly PropertyKey[]) =>
    layer.where(path.map((key, i) => (i === 1 ? expanded.from(path[0], key) : key)));
  const base = await readBase(read.base, layer);
  const study: StudyFile = {
    ...read,
    ...decideData(read, base, layer),
    arms: expanded.arms,
    expand: {},
    axes: Object.fromEntries(
      Object.entries(read.axes).map(([axis, values]) => {
        const place = layer.where(['axes', axis]);
        checkOption(axis, place);
        return [axis, namedValues(values, place)];
      }),
    ),
    seeds: decideSeeds(read.seeds, layer),
    compare: decideCompare(read, Object.keys(expanded.arms), layer),
    metric: decideMetric(read.metric, { where: layer.where }),
  };
  for (const [arm, overrides] of Object.entries(study.arms))
    for (const option of Object.keys(overrides)) refuseFixed(option, where(['arms', arm, option]));
  return { study, where };
}

/** The options of the recipe, those that a study decides left out. */
async function readBase(base: StudyFile['base'], layer: Layer): Promise<BaseRecipe> {
  const own: Layer =
    typeof base === 'string'
      ? await recipeLayer(base)
      : { values: base, where: (path) => layer.where(['base', ...path]) };
  const { out: _, seed: __, ...options } = resolveLayers(baseSchema, baseJson, [own]);
  return options;
}

/** The rows: scored ones, or a staged folder, which may be the recipe's. */
function decideData(
  { data }: StudyFile,
  { data: ofRecipe, ...base }: BaseRecipe,
  layer: Layer,
): Pick<StudyFile, 'base' | 'data'> {
  const given = layer.values.data as Mapping | undefined;
  const where = layer.where(['data']);
  const staged = data?.staged ?? (given === undefined ? ofRecipe : undefined);
  const byAxis = Object.hasOwn((layer.values.axes as Mapping | undefined) ?? {}, 'dataset');
  if (staged === undefined) {
    if (data?.scored === undefined && !byAxis)
      throw usageError(`${where}: no rows are given; expected \`data.scored\` or \`data.staged\``, { option: 'data' });
    return { base, data: data ?? studyFileSchema.shape.data.unwrap().parse({}) };
  }
  for (const option of ['scored', 'stage', 'holdout', 'splits', 'nearDuplicates', 'unscored'] as const)
    if (given?.[option] !== undefined)
      throw usageError(
        `${layer.where(['data', option])}: \`data.staged\` is given, and a staged folder has its own stages and hold-out; expected one of \`data.scored\` and \`data.staged\``,
        { option: `data.${option}` },
      );
  return { base, data: { ...studyFileSchema.shape.data.unwrap().parse({}), staged } };
}

/** The arms with those that `expand` writes, and which arm each of these comes from. */
function expandArms({ arms, expand }: StudyFile, layer: Layer) {
  const all: Record<string, Overrides> = { ...arms };
  const source = new Map<PropertyKey, string>();
  for (const [name, { stages }] of Object.entries(expand)) {
    const arm = arms[name];
    const where = layer.where(['expand', name]);
    if (!arm) throw unknownArm(where, name, Object.keys(arms));
    for (const count of stages) {
      const added = `${name}-${count}`;
      if (all[added]) throw usageError(`${where}: there is an arm ${added} already`, { option: 'expand' });
      all[added] = { ...arm, stage: { ...arm.stage, stages: count } };
      source.set(added, name);
    }
  }
  const from = (section: PropertyKey | undefined, key: PropertyKey) =>
    section === 'arms' ? (source.get(key) ?? key) : key;
  return { arms: all, from };
}

const unknownArm = (where: string, name: string, arms: readonly string[]) =>
  usageError(
    `${where}: there is no arm ${JSON.stringify(name)}${didYouMean(name, arms) || `; arms are ${arms.join(', ')}`}`,
    { name },
  );

function decideSeeds(seeds: StudyFile['seeds'], layer: Layer): number[] {
  if (typeof seeds === 'number') return Array.from({ length: seeds }, (_, i) => i + 1);
  const twice = seeds.find((seed, i) => seeds.indexOf(seed) !== i);
  if (twice !== undefined) throw usageError(`${layer.where(['seeds'])}: ${twice} is given twice`, { option: 'seeds' });
  return seeds;
}

function decideCompare({ control, compare }: StudyFile, arms: readonly string[], layer: Layer): string[] {
  if (!arms.includes(control)) throw unknownArm(layer.where(['control']), control, arms);
  if (!compare) return arms.filter((arm) => arm !== control);
  const where = layer.where(['compare']);
  for (const [i, arm] of compare.entries()) {
    if (!arms.includes(arm)) throw unknownArm(where, arm, arms);
    if (arm === control)
      throw usageError(`${where}: ${arm} is the control, which others are compared with`, { option: 'compare' });
    if (compare.indexOf(arm) !== i) throw usageError(`${where}: ${arm} is given twice`, { option: 'compare' });
  }
  return compare;
}

function refuseFixed(option: string, where: string): void {
  const why = Object.hasOwn(FIXED, option) ? FIXED[option] : undefined;
  if (why !== undefined) throw usageError(`${where} cannot be changed: ${why}`, { option });
}

/** Axes that are not options of a recipe. */
const cutting = Object.keys(studyJson.properties!.data!.properties!.stage!.properties!).map((key) => `stage.${key}`);

/** Refuses an axis that is no option. */
function checkOption(axis: string, where: string): void {
  refuseFixed(axis, where);
  if (axis === 'scored' || axis === 'dataset' || cutting.includes(axis)) return;
  if (schemaAt(baseJson, axis.split('.'))) return;
  const known = ['scored', 'dataset', ...cutting, ...optionPaths(baseJson).map((path) => path.join('.'))];
  throw usageError(
    `${where}: unknown option${didYouMean(axis, known)}; expected an option of the recipe, scored, dataset, or stage.stages`,
    {
      option: axis,
    },
  );
}
