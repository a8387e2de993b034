import { sizeOf } from '../../core/host-tensor.js';
import type { CompileOptions } from '../compile-options.js';
import type { ProgramSpec } from '../program.js';
import { fixedShapes, graphVariables } from './captured.js';
import { graphEntry } from './entries.js';
import { calledBy, peakBytes } from './memory.js';
import { groupBytes } from './variable-store.js';
import { sortNodes } from './walk.js';

/** What one call of an entry takes, for one set of input shapes. */
export interface EntryMemory {
  readonly entry: string;
  /** Most bytes of tensors alive at one time, variables not counted. */
  readonly tensors: number;
  readonly nodes: number;
  /** Functions that are compiled for it. */
  readonly functions: number;
  /** True where XLA makes one program of all of it, whose tensors are in one block of memory. */
  readonly whole: boolean;
}

/** What a captured program takes, known from its graph alone. */
export interface ProgramMemory {
  /** Bytes of all variables as they are held. */
  readonly variables: number;
  /** Bytes of the largest one. */
  readonly largest: number;
  /** Bytes that are under way while they are set. */
  readonly loading: number;
  readonly entries: readonly EntryMemory[];
}

/**
 * Records the entries for the shapes that `options` name, and those whose shapes do not vary, and
 * works out what they will take. Needs the native library; takes no memory for tensors.
 */
export function programMemory(spec: ProgramSpec, options: CompileOptions): ProgramMemory {
  const variables = graphVariables(spec, options);
  const bytes = Array.from(variables.values(), (variable) => variable.bytes);
  const entries = Object.entries(spec.entries).flatMap(([entry, { inputs, compile }]): EntryMemory[] => {
    const whole = options.compile === 'whole' && compile !== false;
    const fixed = fixedShapes(inputs);
    return (fixed ? [fixed] : (options.shapes?.[entry] ?? [])).map((shapes) => {
      const { outputs, updates, done } = graphEntry('e', entry, spec, shapes, variables, {
        ...options,
        oneCall: false,
      });
      const nodes = sortNodes([...Object.values(outputs), done]);
      const functions = new Set(nodes.flatMap((node) => calledBy(node)?.name ?? [])).size;
      // A program that XLA made of a whole entry has memory for all results from its start to its end.
      const results = whole ? updates.reduce((sum, variable) => sum + variables.get(variable)!.bytes, 0) : 0;
      return {
        entry,
        tensors: peakBytes(nodes, whole ? 'card' : 'cpu') + results,
        nodes: nodes.length,
        functions,
        whole,
      };
    });
  });
  const all = bytes.reduce((x, y) => x + y, 0);
  return { variables: all, largest: Math.max(0, ...bytes), loading: groupBytes(all), entries };
}

/** Bytes of a program's variables as they are held, in any mode; nothing is recorded. */
export const variableBytes = (spec: ProgramSpec, options: CompileOptions): number =>
  options.mode === 'captured'
    ? Array.from(graphVariables(spec, options).values()).reduce((sum, { bytes }) => sum + bytes, 0)
    : Object.values(spec.variables).reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
