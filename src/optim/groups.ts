import type * as tf from '../backend/tf.js';
import type { Entry, ProgramSpec, Tensors, VariableSpec } from '../program/program.js';
import { cut } from './flat.js';
import { type Layout, type Shapes, type Stacks, stackedLayouts } from './layout.js';

/** Trained parameters that weight decay treats alike. Whatever is kept of them is one vector, a variable, for all of them. */
export interface ParameterGroup {
  readonly name: 'decayed' | 'undecayed';
  readonly weightDecay: number;
  /** Every parameter under its own name, as it is in files. */
  readonly tensors: Layout;
  /** The same vector as the model sees it: stacks in one piece. */
  readonly pieces: Layout;
}

/** What is kept of every trained parameter: its value, AdamW's moments, the sum of a step's gradients so far. */
export const KEPT = ['value', 'exp_avg', 'exp_avg_sq', 'grad'] as const;

/** One of {@link KEPT}. */
export type Kept = (typeof KEPT)[number];

/** Name of what is kept of a parameter, in files too: torch's word before the parameter's name, which is its value's. */
export const keptName = (kept: Kept, parameter: string): string =>
  kept === 'value' ? parameter : `${kept}.${parameter}`;

/** Name of the variable with a group's vector. */
export const vectorName = (group: ParameterGroup, kept: Kept): string => `${group.name}.${kept}`;

/** True for parameters that weight decay acts on: neither biases nor the weights of norms. */
export const decays = (name: string): boolean => !name.endsWith('.bias') && !/norm[^.]*\.weight$/i.test(name);

/** Sorts parameters into those that decay and those that do not; without decay there is one group. None is empty. */
export function parameterGroups(shapes: Shapes, weightDecay: number, stacks: Stacks = new Map()): ParameterGroup[] {
  const acts = (name: string) => weightDecay > 0 && decays(name);
  const group = (name: ParameterGroup['name'], inside: (parameter: string) => boolean) => {
    const layouts = stackedLayouts(
      new Map([...shapes].filter(([parameter]) => inside(parameter))),
      new Map([...stacks].filter(([, members]) => members.every(inside))),
    );
    return { name, weightDecay: name === 'decayed' ? weightDecay : 0, ...layouts };
  };
  return [group('decayed', acts), group('undecayed', (name) => !acts(name))].filter(({ tensors }) => tensors.size > 0);
}

/** Variables of all that is kept of these parameters. */
export function groupVariables(groups: readonly ParameterGroup[]): Record<string, VariableSpec> {
  const variables: Record<string, VariableSpec> = {};
  for (const group of groups)
    for (const kept of KEPT)
      variables[vectorName(group, kept)] = {
        shape: [group.tensors.size],
        dtype: 'float32',
        role: kept === 'value' ? 'trainable' : 'state',
      };
  return variables;
}

/** A group's pieces, cut out of its variable. */
export const piecesOf = (group: ParameterGroup, variables: Tensors): Tensors =>
  cut(group.pieces, variables[vectorName(group, 'value')] as tf.Tensor);

/** The same spec with entries that see the groups' pieces by name among the variables. */
export function withPieces(groups: readonly ParameterGroup[], { variables, entries }: ProgramSpec): ProgramSpec {
  const seeing = ([name, entry]: [string, Entry]): [string, Entry] => [
    name,
    {
      ...entry,
      run: (variables, inputs) =>
        entry.run(Object.assign({}, variables, ...groups.map((group) => piecesOf(group, variables))), inputs),
    },
  ];
  return { variables, entries: Object.fromEntries(Object.entries(entries).map(seeing)) };
}
