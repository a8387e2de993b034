import type { ArmRun } from '../arms/arm-run.js';
import type { EvalFile } from '../eval-file.js';

/** What may differ when an evaluation continues: how sums are rounded, and whether losses are measured as well. */
const FREE = new Set(['batch', 'loss']);

/** What is known once a model answers. */
const OF_MODELS = new Set(['precision', 'loadIn16bit', 'loadIn8bit', 'loadIn4bit', 'templateTime']);

/**
 * What an evaluation would continue with otherwise than it was begun with, a line each. Arms, runs of an arm, sets
 * and rows may be added; an arm's files may have changed, which only its own answers depend on.
 */
export function evalChanges(was: EvalFile, is: EvalFile): string[] {
  return [
    ...values({ baseline: was.baseline, seed: was.seed }, { baseline: is.baseline, seed: is.seed }),
    ...values(was.answering, is.answering),
    ...setChanges(was, is),
    ...armChanges(was, is),
  ];
}

/** Which of these values differ. */
export function values(was: Readonly<Record<string, unknown>>, is: Readonly<Record<string, unknown>>): string[] {
  const shown = (value: unknown) => (value === undefined ? 'not given' : JSON.stringify(value));
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((name) => !FREE.has(name) && JSON.stringify(was[name]) !== JSON.stringify(is[name]))
    .filter((name) => !OF_MODELS.has(name) || (was[name] !== undefined && is[name] !== undefined))
    .map((name) => `${name} was ${shown(was[name])}, is ${shown(is[name])}`);
}

function setChanges(was: EvalFile, is: EvalFile): string[] {
  return was.sets.flatMap(({ name, path, sha256, chosen }) => {
    const now = is.sets.find((set) => set.name === name);
    if (!now) return [`set ${name} (${path}) is left out`];
    if (now.sha256 !== sha256) return [`set ${name}: ${now.path} has changed`];
    return now.chosen < chosen ? [`set ${name}: ${chosen} rows were answered, now ${now.chosen} are to be`] : [];
  });
}

function armChanges(was: EvalFile, is: EvalFile): string[] {
  return Object.entries(was.arms).flatMap(([name, { runs }]) => {
    const now = is.arms[name]?.runs;
    if (!now) return [`arm ${name} is left out`];
    return runs.flatMap((run, i) => {
      const which = runs.length > 1 ? `run ${i + 1} of arm ${name}` : `arm ${name}`;
      const same = now[i];
      if (!same) return [`${which} (${run.source}) is left out`];
      return run.source === same.source || contentsOf(run) === contentsOf(same)
        ? []
        : [`${which} was ${run.source}, is ${same.source}`];
    });
  });
}

/** Which arms come from the same place and have other files than before: their answers are made again. */
export const renewedArms = (was: EvalFile, is: EvalFile): string[] =>
  Object.entries(is.arms).flatMap(([name, { runs }]) =>
    runs.some((run, i) => {
      const before = was.arms[name]?.runs[i];
      return before && contentsOf(before) !== contentsOf(run);
    })
      ? [name]
      : [],
  );

const contentsOf = ({ model, adapter, answers }: ArmRun): string =>
  JSON.stringify([sorted(model?.files), sorted(adapter?.files), answers]);

const sorted = (files: Readonly<Record<string, string>> = {}) => Object.entries(files).sort();
