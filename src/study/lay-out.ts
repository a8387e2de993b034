import { jsonSchemaOf } from '../config/from-zod.js';
import { type Layer, resolveLayers } from '../config/layers.js';
import { isMapping, type Mapping, setAt } from '../config/paths.js';
import { type Recipe, recipeSchema } from '../config/recipe.js';
import { PhasetuneError, usageError } from '../core/errors.js';
import { sha256, stableJson } from '../core/hash.js';
import { groupBy } from '../core/lists.js';
import { resolveStaging, stagingOptionsSchema } from '../curriculum/staging-options.js';
import type { Cell } from './cell.js';
import { slug } from './names.js';
import type { DecidedStudy } from './read-study.js';
import { type Overrides, type StudyFile, seedsOf } from './study-file.js';
import type { StudySet } from './study-set.js';

/** A cell before its run is planned. */
export interface DraftCell extends Pick<Cell, 'index' | 'id' | 'arm' | 'axes' | 'seed' | 'split' | 'set'> {
  /** With the length that the recipe has itself. */
  readonly recipe: Recipe;
}

/** Sets and cells of a study. */
export interface LaidOut {
  /** Each once, in the order in which cells use them. */
  readonly sets: readonly StudySet[];
  /** In the order of work: block by block, in them groups of axes, in these the arms. */
  readonly cells: readonly DraftCell[];
}

const recipeJson = jsonSchemaOf(recipeSchema);
const stagingJson = jsonSchemaOf(stagingOptionsSchema);

/** One arm under one value of each axis. */
interface Way {
  readonly arm: string;
  readonly axes: Readonly<Record<string, string>>;
  /** Values of the axes and the arm's changes, which win. */
  readonly layers: readonly Layer[];
  /** The cut and the files of rows and scores, where the study cuts them itself. */
  readonly source?: Omit<StudySet, 'name' | 'holdout' | 'split'> & { readonly dataset: string | undefined };
}

/**
 * The sets and cells of a study, decided by it alone. Throws usage errors: for a value that an option does not take,
 * with arm or axis and place; for a cut that cannot be made; for two cells that would be the same run, or have one
 * folder.
 */
export function layOut({ study, where }: DecidedStudy): LaidOut {
  const ways = combine(study, where);
  const data = study.data!;
  const named = nameSets(ways, data.splits);
  const recipes = ways.map((way) => recipeOf(study, way, where));
  const cells: DraftCell[] = [];
  for (let split = 1; split <= data.splits; split++)
    for (const seed of seedsOf(study))
      for (const [i, way] of ways.entries()) {
        const { arm, axes } = way;
        const set = named.of(way, split);
        const parts = [...Object.values(axes), arm, `seed-${seed}`];
        const id = [...parts, ...(data.splits > 1 ? [`split-${split}`] : [])].join('-');
        const ofCell = { seed, data: set ? `staged/${set.name}` : data.staged!, out: `cells/${id}/run` };
        const recipe = { ...structuredClone(recipes[i]!), ...ofCell };
        cells.push({ index: cells.length + 1, id, arm, axes, seed, split, set: set?.name ?? null, recipe });
      }
  refuseEqual(cells);
  return { sets: named.sets, cells };
}

/** The recipe of a way, every option decided and checked; seed, rows and folder are those of a cell. */
function recipeOf(study: StudyFile, { layers }: Way, where: DecidedStudy['where']): Recipe {
  const base = { values: study.base as Mapping, where: (path: readonly PropertyKey[]) => where(['base', ...path]) };
  const ofCell = { values: { data: 'staged', out: 'run' }, where: base.where };
  return resolveLayers(recipeSchema, recipeJson, [base, ...layers, ofCell]);
}

/** Every arm under every combination of the axes. */
function combine(study: StudyFile, where: DecidedStudy['where']): Way[] {
  let combinations: Combination[] = [{ axes: {}, values: {} }];
  for (const [axis, values] of Object.entries(study.axes))
    combinations = combinations.flatMap((before) =>
      Object.entries(values).map(([name, value]) => {
        const changed = structuredClone(before.values);
        setAt(changed, axis.split('.'), value);
        return { axes: { ...before.axes, [axis]: name }, values: changed };
      }),
    );
  return combinations.flatMap((combination) =>
    Object.entries(study.arms).map(([arm, overrides]) => wayOf(study, combination, arm, overrides, where)),
  );
}

/** A value of each axis. */
interface Combination {
  readonly axes: Record<string, string>;
  readonly values: Overrides;
}

function wayOf(
  study: StudyFile,
  { axes, values }: Combination,
  arm: string,
  overrides: Overrides,
  where: DecidedStudy['where'],
): Way {
  const { stage: armStage, scored: armScored, ...options } = overrides;
  const { stage, scored, dataset, ...ofAxes } = values;
  const layers = [
    { values: ofAxes, where: (path: readonly PropertyKey[]) => where(['axes', path.join('.')]) },
    { values: options, where: (path: readonly PropertyKey[]) => where(['arms', arm, ...path]) },
  ];
  const way = { arm, axes, layers };
  const data = study.data!;
  if (data.staged !== undefined) {
    refuseCut(data.staged, overrides, axes, (path) =>
      where(path[0] === 'arms' ? ['arms', arm, ...path.slice(1)] : path),
    );
    return way;
  }
  const placeOf = (option: string) => {
    if (option === 'holdout') return where(['data', 'holdout']);
    if (armStage && (Object.hasOwn(armStage, option) || option === 'thresholds'))
      return where(['arms', arm, 'stage', option]);
    return where(Object.hasOwn(axes, `stage.${option}`) ? ['axes', `stage.${option}`] : ['data', 'stage', option]);
  };
  const rows = textAt(dataset ?? data.scored, where(['axes', 'dataset']));
  const source = {
    rows,
    scored: textAt(armScored ?? scored ?? rows, where(['axes', 'scored'])),
    stage: decideCut([data.stage, stage, armStage], data.holdout, placeOf),
    dataset: axes.dataset,
  };
  return { ...way, source };
}

/** A staged folder has its own rows and stages. */
function refuseCut(staged: string, arm: Overrides, axes: Combination['axes'], where: DecidedStudy['where']): void {
  const ofArm = (['stage', 'scored'] as const).find((option) => arm[option] !== undefined);
  const axis = Object.keys(axes).find((name) => name === 'scored' || name === 'dataset' || name.startsWith('stage.'));
  if (ofArm === undefined && axis === undefined) return;
  const place = ofArm === undefined ? where(['axes', axis!]) : where(['arms', ofArm]);
  throw usageError(
    `${place}: all cells train on the staged folder ${staged} as it is; expected \`data.scored\` instead`,
    {
      option: ofArm ?? axis,
    },
  );
}

function textAt(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw usageError(`${where}: expected the name of a file, got ${JSON.stringify(value)}`);
}

/** A cut with every choice made, of the study's and what is changed about it; `where` names its option in an error. */
function decideCut(cuts: readonly unknown[], holdout: number, where: (option: string) => string): StudySet['stage'] {
  const cut = cuts.filter(isMapping).reduce((before: Mapping, change) => {
    const other = change.by !== undefined && change.by !== before.by;
    const { thresholds: _, minShare: __, ...rest } = before;
    return { ...(other ? rest : before), ...change };
  }, {});
  const layer = { values: { ...cut, holdout }, where: (path: readonly PropertyKey[]) => where(String(path[0])) };
  const parsed = resolveLayers(stagingOptionsSchema, stagingJson, [layer]);
  try {
    const { by, stages, thresholds, ties, minShare } = resolveStaging(parsed);
    return { by, stages, ties, ...(thresholds && { thresholds }), ...(minShare !== undefined && { minShare }) };
  } catch (error) {
    if (!(error instanceof PhasetuneError)) throw error;
    const option = error.fields.option ?? 'stage';
    throw usageError(`${where(option)}: ${error.problem.replace(`\`${option}\`: `, '')}`, { option });
  }
}

/** Names of the sets: what tells them apart, and the split. */
function nameSets(ways: readonly Way[], splits: number) {
  const sets = new Map<string, StudySet>();
  const keyOf = ({ source }: Way, split: number) => {
    const { dataset: _, ...decides } = source!;
    return stableJson({ ...decides, split });
  };
  for (let split = 1; split <= splits; split++)
    for (const way of ways) {
      const { source } = way;
      if (!source || sets.has(keyOf(way, split))) continue;
      const { dataset, ...set } = source;
      const holdout = [...(dataset === undefined ? [] : [dataset]), `split-${split}`].join('-');
      const name = [holdout, ...(set.scored === set.rows ? [] : [slug(fileName(set.scored))]), ...cutName(set.stage)];
      sets.set(keyOf(way, split), { name: name.join('-'), holdout, split, ...set });
    }
  for (const equal of groupBy(sets, ([, { name }]) => name).values())
    if (equal.length > 1)
      for (const [key, set] of equal) sets.set(key, { ...set, name: `${set.name}-${sha256(key).slice(0, 6)}` });
  return {
    sets: [...sets.values()],
    of: (way: Way, split: number) => (way.source ? sets.get(keyOf(way, split)) : undefined),
  };
}

const fileName = (path: string): string =>
  path
    .split(/[/\\]/)
    .at(-1)!
    .replace(/\.[^.]*$/, '');

function cutName({ by, stages, thresholds, ties, minShare }: StudySet['stage']): string[] {
  const at =
    by === 'thresholds' ? ['at', ...thresholds!.map((score) => slug(String(score)))] : by === 'rows' ? [] : [by!];
  const share = by === 'length' && minShare !== 0.5 / stages! ? [`share-${slug(String(minShare))}`] : [];
  return [...at, ...share, ...(ties === 'together' ? ['together'] : []), `${stages}-stages`];
}

/** Two cells of a block that differ in their name only are one run twice. */
function refuseEqual(cells: readonly DraftCell[]): void {
  const [runs, ids] = [new Map<string, DraftCell>(), new Map<string, DraftCell>()];
  for (const cell of cells) {
    const { out: _, ...recipe } = cell.recipe;
    const run = stableJson([recipe, cell.split]);
    const same = runs.get(run);
    if (same)
      throw usageError(
        `${shownWay(same)} and ${shownWay(cell)} would be the same run twice; expected arms and values that differ in an option`,
        { name: cell.arm },
      );
    const clash = ids.get(cell.id);
    if (clash)
      throw usageError(
        `${shownWay(clash)} and ${shownWay(cell)} would both have the folder cells/${cell.id}; expected other names`,
        {
          name: cell.arm,
        },
      );
    runs.set(run, cell);
    ids.set(cell.id, cell);
  }
}

const shownWay = ({ arm, axes }: DraftCell): string => {
  const values = Object.entries(axes).map(([axis, value]) => `${axis} ${value}`);
  return `arm ${arm}${values.length > 0 ? ` with ${values.join(', ')}` : ''}`;
};
