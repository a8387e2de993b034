import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { expect } from 'vitest';
import { nativeBackend } from '../../src/backend/raw/native-op.js';
import { outputNames } from '../../src/program/captured/op-traits.js';
import { FIELD, TYPE } from '../../src/program/captured/saved-model-schema.js';
import { shapeRules } from '../../src/program/captured/shape-rules/index.js';
import { compile } from '../../src/program/compile.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { nativeOnly } from '../helpers/backend.js';
import { type Case, cases } from './contract/cases.js';
import { shapesOf } from './contract/play.js';
import { FEEDS, flashSpec } from './flash-step.js';

/** A kernel: types that it takes, by attribute. */
interface Kernel {
  readonly types: Readonly<Record<string, readonly string[]>>;
}
interface Registry {
  readonly ops: Readonly<
    Record<string, Record<'card' | 'compiled', Kernel[]> & { defaults: Record<string, string>; outputs: string[] }>
  >;
}

/** What TensorFlow's own build for CUDA has registered (scripts/reference/gpu_kernels.py). */
const { ops } = JSON.parse(readFileSync('tests/fixtures/gpu-kernels.json', 'utf8')) as Registry;

/** An op as a graph asks for it: its types by attribute, of which some are lists. */
interface Asked {
  readonly op: string;
  readonly types: Readonly<Record<string, readonly string[]>>;
}

const MODES: readonly Omit<CompileOptions, 'mode' | 'shapes'>[] = [
  { precision: 'float32' },
  { precision: 'float32', compile: 'parts' },
  { precision: 'bfloat16' },
  { precision: 'bfloat16', loadIn8bit: true, compile: 'parts' },
  { precision: 'bfloat16', loadIn4bit: true },
  { precision: 'bfloat16', loadIn4bit: true, compile: 'parts' },
  { precision: 'float32', compile: 'whole' },
  { precision: 'bfloat16', loadIn8bit: true, compile: 'whole' },
  { precision: 'bfloat16', loadIn4bit: true, compile: 'whole' },
];

/** The SavedModel that a program of this case gives the library. */
async function writtenGraph(
  { spec, calls }: Pick<Case, 'spec' | 'calls'>,
  options: Omit<CompileOptions, 'mode' | 'shapes'>,
) {
  const backend = nativeBackend() as { binding: Record<string, unknown> };
  const real = backend.binding;
  let written = new Uint8Array();
  const loadSavedModel = (folder: string, tags: string) => {
    written = new Uint8Array(readFileSync(join(folder, 'saved_model.pb')));
    return (real.loadSavedModel as (folder: string, tags: string) => number)(folder, tags);
  };
  const program = await compile(spec, { ...options, mode: 'captured', shapes: shapesOf(calls) });
  backend.binding = {
    ...Object.fromEntries(Object.getOwnPropertyNames(real).map((name) => [name, real[name]])),
    loadSavedModel,
  };
  try {
    await program.read([Object.keys(spec.variables).at(-1)!]);
  } finally {
    backend.binding = real;
    program.dispose();
  }
  return written;
}

const typeNames = new Map(Object.entries(TYPE).map(([name, number]) => [number, name]));

/** Fields of a message by number: integers as numbers, the rest as bytes. */
function parse(message: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const reader = new BinaryReader(message);
  const fields = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (!fields.has(field)) fields.set(field, []);
    if (type === 0) fields.get(field)!.push(Number(reader.int64()));
    else if (type === 2) fields.get(field)!.push(reader.bytes());
    else reader.skip(type, field);
  }
  return fields;
}
const within = (message: Uint8Array, ...path: number[]): Uint8Array[] =>
  path.reduce(
    (messages, field) => messages.flatMap((each) => (parse(each).get(field) ?? []) as Uint8Array[]),
    [message],
  );
const text = (message: Uint8Array, field: number) => new TextDecoder().decode(within(message, field)[0]);

function askedBy(node: Uint8Array): Asked {
  const types: Record<string, string[]> = {};
  for (const attribute of within(node, FIELD.node.attributes))
    for (const value of within(attribute, FIELD.entry.value)) {
      const single = parse(value).get(FIELD.attribute.type) ?? [];
      const listed = within(value, FIELD.attribute.list).flatMap((list) => parse(list).get(FIELD.list.type) ?? []);
      const names = [...single, ...listed].map((type) => typeNames.get(type as number)!);
      if (names.length > 0) types[text(attribute, FIELD.entry.key)] = names;
    }
  return { op: text(node, FIELD.node.op), types };
}

/** Ops of the graph itself, and those in functions that are to be compiled. */
function askedOf(savedModel: Uint8Array): Record<'card' | 'compiled', Asked[]> {
  const graph = [FIELD.savedModel.metaGraphs, FIELD.metaGraph.graph] as const;
  const inFunctions = [FIELD.graph.library, FIELD.library.function, FIELD.functionDef.node] as const;
  return {
    card: within(savedModel, ...graph, FIELD.graph.node).map(askedBy),
    compiled: within(savedModel, ...graph, ...inFunctions).map(askedBy),
  };
}

function isServed({ op, types }: Asked, place: 'card' | 'compiled'): boolean {
  const known = ops[op];
  if (!known) return false;
  const typesOf = (name: string) => types[name] ?? [known.defaults[name]!];
  return known[place].some((kernel) =>
    Object.entries(kernel.types).every(([name, allowed]) => typesOf(name).every((type) => allowed.includes(type))),
  );
}

nativeOnly(
  'a card has a kernel for every op of every entry in the type it is recorded in, and XLA compiles every compiled one',
  async () => {
    const lacking = new Set<string>();
    let [card, compiled] = [0, 0];
    for (const made of cases())
      for (const options of MODES) {
        const asked = askedOf(await writtenGraph(made, options));
        card += asked.card.length;
        compiled += asked.compiled.length;
        for (const place of ['card', 'compiled'] as const)
          for (const each of asked[place]) if (!isServed(each, place)) lacking.add(`${place}: ${JSON.stringify(each)}`);
      }
    expect([...lacking]).toEqual([]);
    expect(card).toBeGreaterThan(5000);
    expect(compiled).toBeGreaterThan(500);
  },
);

/** Ops that are recorded under a newer name. */
const RENAMED = new Set(['Add', 'BatchMatMul']);

nativeOnly('outputs are called what TensorFlow calls them, so that any op can be in a compiled function', () => {
  for (const [op, { outputs }] of Object.entries(ops))
    if (!RENAMED.has(op) && outputs.length > 0) expect(outputNames(op) ?? ['output'], op).toEqual(outputs);
});

nativeOnly('XLA compiles the calls of cuDNN’s flash attention for cards', async () => {
  const options = { precision: 'bfloat16', compile: 'whole', attention: 'flash' } as const;
  const spec = flashSpec({ mode: 'captured', ...options });
  const { compiled } = askedOf(
    await writtenGraph({ spec, calls: [{ entry: 'trainStep', feeds: FEEDS, fetches: [] }] }, options),
  );
  expect(compiled.filter(({ op }) => op === 'XlaCustomCallV2')).toHaveLength(2);
  expect(compiled.filter((each) => !isServed(each, 'compiled'))).toEqual([]);
});

nativeOnly('the list of kernels takes in every op that can be recorded', () => {
  expect([...shapeRules.keys()].filter((op) => !ops[op])).toEqual([]);
});
