import { wordRemedies } from '../../../core/remedies.js';
import { describePrecision } from '../../../program/products/describe.js';
import { diagnose } from '../../../workflow/machine.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (_options, { logger, print, verbose, signal, vocabulary }) => {
  const diagnosis = await diagnose({}, { logger, verbose, signal });
  const { backend, device, tensorflow, tfjs, cuda } = diagnosis;
  const library = backend === 'tensorflow' ? `TensorFlow ${tensorflow}, native` : 'WASM';
  print(`computes on  ${device} (${library}; TensorFlow.js ${tfjs})`);
  print(`speed        ${Math.round(diagnosis.gflops)} GFLOP/s in a float32 product of 1024 x 1024`);
  print(`precision    ${describePrecision(diagnosis.precision)}`);
  print(
    `NVIDIA card  ${cuda ? `${cuda.name}, driver ${cuda.driver}${cuda.capability ? `, compute capability ${cuda.capability}` : ''}${cuda.used ? '' : ', not used'}` : 'none'}`,
  );
  print(`Node         ${diagnosis.node}`);
  print(`cache        ${diagnosis.home}`);
  const problems = diagnosis.problems.map(({ what, remedy }) => ({ what, fix: wordRemedies([remedy], vocabulary) }));
  if (problems.length === 0) print('no problems');
  for (const { what, fix } of problems) for (const line of ['', `problem: ${what}`, `    fix: ${fix}`]) print(line);
  for (const note of diagnosis.notes) for (const line of ['', `note: ${note}`]) print(line);
  return { ...diagnosis, problems };
};
