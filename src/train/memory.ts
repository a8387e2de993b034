import type { Backend } from '../backend/backend.js';
import type { BatchShape } from '../data/batch-shapes.js';
import type { ModelConfig } from '../model/config.js';
import { type EntryMemory, type ProgramMemory, programMemory, variableBytes } from '../program/captured/forecast.js';
import type { CompileOptions } from '../program/compile-options.js';
import { type EntryBatches, inputShapes } from './entry-shapes.js';
import { type LoraTraining, loraSpec } from './lora-spec.js';
import type { MemoryForecast } from './memory-forecast.js';
import { roughTensors } from './rough-memory.js';

/** The run whose memory is forecast. */
export interface ForecastedRun extends LoraTraining {
  readonly config: ModelConfig;
  readonly compile: CompileOptions;
  readonly batches: EntryBatches;
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Measured: what a session keeps for each node, and the compiler in itself and for each function. */
const NODE = 20 * KIB;
const COMPILER = 40 * MIB;
const FUNCTION = 2.5 * MIB;

/** Measured: memory that the library's allocator takes for tensors, relative to their size. */
const HOLES = 1.1;

/** Estimated: what CUDA and its libraries take on a card: context, kernels, workspaces of cuBLAS and cuDNN. */
const CARD_CONTEXT = GIB;

/**
 * Works out what a run will take, by recording the largest of its calls: nothing is computed. `process` is
 * what the process holds now, with the library and the rows loaded. Needs the native library.
 */
export function forecastMemory(run: ForecastedRun, device: Backend['device'], process: number): MemoryForecast {
  const { spec } = loraSpec(run.config, run);
  const { batches } = run;
  const largest = {
    trainStep: largestShapes(batches.trainStep),
    accumulate: largestShapes(batches.accumulate),
    evalLoss: largestShapes(batches.evalLoss),
  };
  const memory = programMemory(spec, { ...run.compile, shapes: inputShapes(largest) });
  return peakOf(memory, device, process, (entry) => {
    const name = entry as keyof EntryBatches;
    return name in batches ? batches[name].length / largest[name].length : 1;
  });
}

/** What a program will take that has `copiesOf` copies of each entry: one for each set of shapes. */
export function peakOf(
  memory: ProgramMemory,
  device: Backend['device'],
  process: number,
  copiesOf: (entry: string) => number = () => 1,
): MemoryForecast {
  const { variables, entries } = memory;
  const tensors = Math.max(0, ...entries.map(({ tensors, whole }) => (whole ? 1 : HOLES) * tensors));
  const held = variables + Math.max(memory.loading, tensors);
  if (device === 'cuda') return { peak: CARD_CONTEXT + held, variables, tensors, besides: CARD_CONTEXT };
  const copies = ({ entry }: EntryMemory): number => copiesOf(entry);
  const graphs = entries.reduce((bytes, entry) => bytes + copies(entry) * graphBytes(entry), 0);
  const besides = process + graphs + (entries.some(({ functions }) => functions > 0) ? COMPILER : 0) + memory.largest;
  return { peak: besides + held, variables, tensors, besides };
}

/**
 * Bytes that a run takes at least, whatever its mode: weights, adapter, optimizer, and what the process holds
 * already.
 */
export const leastMemory = (run: Omit<ForecastedRun, 'batches'>, process: number): number =>
  process + variableBytes(loraSpec(run.config, run).spec, run.compile);

/**
 * A generous estimate of what a run takes, worked out at once from its sizes: at least half of what {@link
 * forecastMemory} says. Recording the graphs for that takes a second or more, and can be left out where there
 * is far more memory.
 */
export function roughMemory(run: ForecastedRun, process: number): number {
  return 2 * leastMemory(run, process) + roughTensors(run) + GIB;
}

const graphBytes = ({ nodes, functions }: EntryMemory): number => NODE * nodes + FUNCTION * functions;

/** The shapes that no other one exceeds or equals in every size. */
const largestShapes = (shapes: readonly BatchShape[]): BatchShape[] =>
  shapes.filter(
    (shape) => !shapes.some((other) => other !== shape && SIZES.every((size) => other[size] >= shape[size])),
  );

const SIZES = ['lines', 'length', 'targets'] as const;
