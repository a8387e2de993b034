import { loadBackend } from '../backend/load.js';
import { serveParent } from '../backend/native/worker.js';
import { productSpeed } from '../backend/product-speed.js';
import { compileOptions } from '../program/options.js';
import { forecastMemory } from '../train/memory.js';
import type { ForecastAnswer, ForecastQuestion } from './forecast.js';

/** Bytes that a process of a run holds before its program: Node.js, the library, rows. Measured: 410 to 430 MiB. */
const PROCESS_BYTES = 430 * 2 ** 20;

// The process that `forecast` starts: it loads TensorFlow, so that the process which asks need not.
const link = serveParent();
link.onMessage((message) => {
  answer(message as ForecastQuestion).then(
    (answered) => link.send(answered),
    (error: unknown) => link.send({ problem: (error as Error).message.split('\n')[0]! } satisfies ForecastAnswer),
  );
});

async function answer({ recipe, config, batches }: ForecastQuestion): Promise<ForecastAnswer> {
  const backend = await loadBackend({ device: 'auto' });
  const { device } = backend;
  const gflops = await productSpeed();
  const compile = compileOptions(recipe, backend);
  const about = { device, gflops, precision: compile.precision };
  if (compile.mode === 'eager') return about;
  const { lora, optim, gradientCheckpointing = false } = recipe;
  const run = { config, lora, optim, gradientCheckpointing, compile, batches };
  return { ...about, memory: forecastMemory(run, device, PROCESS_BYTES) };
}
