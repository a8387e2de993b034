import type { BatchShape } from '../../data/batch-shapes.js';
import type { ModelConfig } from '../../model/config.js';
import { linear } from '../../model/linear.js';
import { modelVariables } from '../../model/load.js';
import { programMemory, variableBytes } from '../../program/captured/forecast.js';
import type { CompileOptions } from '../../program/compile-options.js';
import { joinSpecs, type ProgramSpec } from '../../program/program.js';
import { rssMib } from '../../telemetry/memory.js';
import { lossFeedShapes } from '../../train/loss-feeds.js';
import { peakOf } from '../../train/memory.js';
import { lossSpec } from '../../train/step.js';

const held = (): number => rssMib() * 2 ** 20;

/** Least bytes that a model takes with the variables of `spec`, including what the process holds already. */
export const modelMemory = (config: ModelConfig, spec: ProgramSpec, compile: CompileOptions): number =>
  held() + variableBytes(joinSpecs(modelVariables(config), spec), compile);

/**
 * Bytes that measuring losses in batches of these shapes will take, without an adapter; for an eager program, the least
 * that the weights take. Nothing is computed. A captured program needs the native library.
 */
export function lossMemory(config: ModelConfig, shapes: readonly BatchShape[], compile: CompileOptions): number {
  const spec = lossSpec(config, linear, compile.attention);
  if (compile.mode === 'eager') return modelMemory(config, spec, compile);
  const tokens = ({ lines, length }: BatchShape) => lines * length;
  const [largest] = shapes.toSorted((x, y) => tokens(y) - tokens(x));
  const options = { ...compile, shapes: { evalLoss: largest ? [lossFeedShapes(largest)] : [] } };
  return peakOf(programMemory(joinSpecs(modelVariables(config), spec), options), 'cpu', held(), () => shapes.length)
    .peak;
}
