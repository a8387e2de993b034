import type { Backend } from '../backend/backend.js';
import { decideProgram } from '../program/decide.js';
import type { DecidedProgram } from '../program/options.js';
import type { ChooseHooks } from '../program/products/choose.js';
import type { BenchOptions, StepBenchOptions } from './options.js';

/** How a bench's program runs on a backend; what the options leave out is chosen as for training. */
export const programOf = (
  {
    dtype,
    ...options
  }: Pick<BenchOptions, 'mode' | 'dtype' | 'loadIn16bit' | 'loadIn8bit' | 'loadIn4bit' | 'compile'> &
    Pick<StepBenchOptions, 'attention'>,
  backend: Backend,
  hooks: Pick<ChooseHooks, 'decodes'> = {},
): Promise<DecidedProgram> => decideProgram({ ...options, precision: dtype }, backend, hooks);

/** How the program ran, for the figures. */
export const programFigures = ({ mode, precision, kernels: _, ...others }: DecidedProgram) => ({
  mode,
  dtype: precision,
  ...others,
});
