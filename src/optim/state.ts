import { float32, type HostTensor } from '../core/host-tensor.js';
import type { Program } from '../program/program.js';
import { KEPT, type Kept, keptName, type ParameterGroup, vectorName } from './groups.js';
import { fromVector, toVector } from './layout.js';

/**
 * Reads what a program keeps of trained parameters, by `keptName`s, in their order: views of one copy of each vector. Throws
 * a RangeError on an unknown name.
 */
export async function readState(
  program: Program,
  groups: readonly ParameterGroup[],
  names: Iterable<string>,
): Promise<Map<string, HostTensor>> {
  const places = new Map(
    groups.flatMap((group) =>
      KEPT.flatMap((kept) =>
        [...group.tensors.places.keys()].map((name) => [keptName(kept, name), { group, kept, name }] as const),
      ),
    ),
  );
  const wanted = [...names].map((name) => {
    const place = places.get(name);
    if (!place) throw new RangeError(`${name}: no trained variable has this name`);
    return [name, { ...place, vector: vectorName(place.group, place.kept) }] as const;
  });
  const vectors = await program.read(new Set(wanted.map(([, { vector }]) => vector)));
  return new Map(
    wanted.map(([full, { group, name, vector }]) => [full, fromVector(group.tensors, vectors.get(vector)!, name)]),
  );
}

/** Sets kinds of what a program keeps of trained parameters from values by `keptName`. Throws a RangeError when one is missing. */
export function writeState(
  program: Program,
  groups: readonly ParameterGroup[],
  kinds: readonly Kept[],
  values: ReadonlyMap<string, HostTensor>,
): void {
  const vector = (group: ParameterGroup, kept: Kept) =>
    toVector(group.tensors, (name) => values.get(keptName(kept, name)));
  program.write(
    groups.flatMap((group) => kinds.map((kept) => [vectorName(group, kept), vector(group, kept)] as const)),
  );
}

/** Sets kinds of what a program keeps of trained parameters to zero. */
export function clearState(program: Program, groups: readonly ParameterGroup[], kinds: readonly Kept[]): void {
  program.write(
    groups.flatMap((group) => {
      const { size } = group.tensors;
      return kinds.map((kept) => [vectorName(group, kept), float32([size], new Float32Array(size))] as const);
    }),
  );
}
