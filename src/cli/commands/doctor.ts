import * as z from 'zod';
import { defineCommand } from '../command.js';

/** `phasetune doctor`: what computes here, how fast, and how to get something better. */
export const doctor = defineCommand({
  command: 'doctor',
  describe: 'tell what computes on this machine, how fast, and the fix for every problem',
  schema: z.strictObject({}),
  examples: [['phasetune doctor --json', 'the same for a program']],
  onlyPrints: () => true,
  async run(_options, { logger, print, verbose, signal }) {
    const { diagnose } = await import('../../backend/doctor.js');
    const found = await diagnose({ logger, verbose, signal });
    const { backend, device, tensorflow, cuda, problems } = found;
    const library = backend === 'tensorflow' ? `TensorFlow ${tensorflow}, native` : 'WASM';
    print(`computes on  ${device} (${library}; TensorFlow.js ${found.tfjs})`);
    print(`speed        ${Math.round(found.gflops)} GFLOP/s in a float32 product of 1024 x 1024`);
    print(`NVIDIA card  ${cuda ? `${cuda.name}, driver ${cuda.driver}${cuda.used ? '' : ', not used'}` : 'none'}`);
    print(`Node         ${found.node}`);
    print(`cache        ${found.home}`);
    if (problems.length === 0) print('no problems');
    for (const { what, fix } of problems) for (const line of ['', `problem: ${what}`, `    fix: ${fix}`]) print(line);
    return { ...found };
  },
});
