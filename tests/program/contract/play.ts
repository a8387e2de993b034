import type { HostTensor } from '../../../src/core/host-tensor.js';
import { random } from '../../../src/core/random.js';
import { compile } from '../../../src/program/compile.js';
import type { CompileOptions, InputShapes } from '../../../src/program/compile-options.js';
import type { Program, VariableValue } from '../../../src/program/program.js';
import type { Call, Case } from './cases.js';

/** A call and what came of it: the variables that are not frozen before and after, and the outputs. */
export interface Played {
  readonly call: Call;
  readonly before: ReadonlyMap<string, HostTensor>;
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly after: ReadonlyMap<string, HostTensor>;
}

/** Disturbed runs that a deviation is estimated from. */
export const DRAWS = 6;

/** What is done to values before they are written. */
type Change = (values: Iterable<VariableValue>) => readonly VariableValue[];

const unchanged: Change = (values) => [...values];

/** Makes the calls of a case, one after the other. */
export const playThrough = ({ calls, ...made }: Case, options: CompileOptions): Promise<Played[]> =>
  withProgram({ calls, ...made }, options, calls, unchanged, async (program, state) => {
    const played: Played[] = [];
    let before = await program.read(state);
    for (const call of calls) {
      const outputs = await program.run(call.entry, call.feeds, call.fetches);
      const after = await program.read(state);
      played.push({ call, before, outputs, after });
      before = after;
    }
    return played;
  });

/**
 * Makes the same calls, each from the variables that it found in `played` (changed by `change`):
 * what one call is off by does not add to the next one.
 */
export const playAgain = (
  made: Case,
  options: CompileOptions,
  played: readonly Played[],
  change: Change = unchanged,
): Promise<Played[]> => {
  const calls = played.map(({ call }) => call);
  return withProgram(made, options, calls, change, async (program, state) => {
    const again: Played[] = [];
    for (const { call, before: start } of played) {
      program.write(change(start));
      const before = await program.read(state);
      const outputs = await program.run(call.entry, call.feeds, call.fetches);
      again.push({ call, before, outputs, after: await program.read(state) });
    }
    return again;
  });
};

/**
 * The same calls op by op in float32, disturbed by `size` in each of some draws: for each call what
 * came of it in every draw.
 */
export async function playDisturbed(
  made: Case,
  played: readonly Played[],
  size: number,
  draws = DRAWS,
): Promise<Played[][]> {
  const all: Played[][] = [];
  for (let seed = 0; seed < draws; seed++)
    all.push(await playAgain(made, { mode: 'eager', precision: 'float32' }, played, disturbing(made, size, seed)));
  return played.map((_, i) => all.map((draw) => draw[i]!));
}

async function withProgram<T>(
  { spec, values }: Case,
  options: CompileOptions,
  calls: readonly Call[],
  change: Change,
  use: (program: Program, state: readonly string[]) => Promise<T>,
): Promise<T> {
  const program = await compile(spec, { ...options, shapes: shapesOf(calls) });
  try {
    program.write(change(values));
    return await use(
      program,
      Object.keys(spec.variables).filter((name) => spec.variables[name]!.role !== 'frozen'),
    );
  } finally {
    program.dispose();
  }
}

const copyOf = (value: HostTensor): HostTensor => ({ ...value, data: value.data.slice() }) as HostTensor;

/** Shapes of the calls’ feeds, for each entry. */
export function shapesOf(calls: readonly Call[]): Record<string, InputShapes[]> {
  const shapes: Record<string, InputShapes[]> = {};
  for (const { entry, feeds } of calls) {
    shapes[entry] ??= [];
    shapes[entry].push(Object.fromEntries(Object.entries(feeds).map(([input, { shape }]) => [input, shape])));
  }
  return shapes;
}

/** Multiplies each element of what goes into products (matrices and caches) by 1 + `size` times a normal number. */
const disturbing =
  ({ spec, parts }: Case, size: number, seed: number): Change =>
  (values) =>
    [...values].map(([name, value]): VariableValue => {
      if (value.dtype !== 'float32' || spec.variables[name]!.role === 'state') return [name, value];
      const copy = copyOf(value);
      for (const [part, { shape, data }] of parts(name, copy)) {
        const { normal } = random(seed, part);
        if (shape.length > 1) for (let i = 0; i < data.length; i++) data[i]! *= 1 + size * normal();
      }
      return [name, copy];
    });
