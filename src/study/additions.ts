import { type StudyFile, seedsOf } from './study-file.js';

/** What a study has more than another. */
export interface Additions {
  /** One line each: `arm phased-4`, `seed 7`. */
  readonly added: readonly string[];
  /** The study without it, in the other's order. */
  readonly reduced: StudyFile;
}

/** The seeds, splits, arms and values of axes that `is` has and `was` has not; both decided. */
export function additions(was: StudyFile, is: StudyFile): Additions {
  const [arms, newArms] = divide(is.arms, was.arms);
  const added = newArms.map((arm) => `arm ${arm}`);
  const axes: StudyFile['axes'] = {};
  for (const [axis, values] of Object.entries(is.axes)) {
    const known = was.axes[axis];
    const [kept, more] = known ? divide(values as Named, known as Named) : [values, []];
    axes[axis] = kept;
    added.push(...more.map((value) => `${axis} ${value}`));
  }
  const [seedsWas, seedsIs] = [seedsOf(was), seedsOf(is)];
  added.push(...seedsIs.filter((seed) => !seedsWas.includes(seed)).map((seed) => `seed ${seed}`));
  const data = is.data && { ...is.data };
  if (data && was.data) for (; data.splits > was.data.splits; data.splits--) added.push(`split ${data.splits}`);
  const compare = [
    ...(was.compare ?? []).filter((arm) => is.compare?.includes(arm)),
    ...(is.compare ?? []).filter((arm) => !was.compare?.includes(arm) && !newArms.includes(arm)),
  ];
  return {
    added,
    reduced: { ...is, arms, axes, data, compare, seeds: seedsWas.filter((seed) => seedsIs.includes(seed)) },
  };
}

type Named = Readonly<Record<string, unknown>>;

/** The entries of `is` that `was` has by name, and the names of the others. */
function divide<T>(is: Readonly<Record<string, T>>, was: Named): [Record<string, T>, string[]] {
  const kept = Object.entries(is).filter(([name]) => Object.hasOwn(was, name));
  return [Object.fromEntries(kept), Object.keys(is).filter((name) => !Object.hasOwn(was, name))];
}
