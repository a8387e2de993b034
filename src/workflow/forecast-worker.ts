import { loadBackend } from '../backend/load.js';
import { serveParent } from '../backend/native/worker.js';
import { productSpeed } from '../backend/product-speed.js';
import { compileOptions } from '../program/options.js';
import { forecastMemory } from '../train/memory.js';
import type { ForecastAnswer, ForecastQuestion } from './forecast.js';

/** Bytes that a process of a run holds before its program: Node.js, the library, rows. Measured: 410 to 430 MiB. */
const PROCESS_BYTES = 430 * 2 ** 20;

// The process that `startForecaster` starts: it loads TensorFlow, so that the one which asks need not.
const link = serveParent();
const loading = loadBackend({ device: 'auto' });
loading.catch(() => {});
link.onMessage((message) => {
  answer(message as ForecastQuestion).then(
    (answered) => link.send(answered),
    (error: unknown) => link.send({ problem: (error as Error).message.split('\n')[0]! } satisfies ForecastAnswer),
  );
});

async function answer({ recipe, config, batches }: ForecastQuestion): Promise<ForecastAnswer> {
  const backend = await loading;
  const { device } = backend;
  const compile = compileOptions(recipe, backend);
  const { lora, optim, gradientCheckpointing = false } = recipe;
  const run = { config, lora, optim, gradientCheckpointing, compile, batches };
  const memory = compile.mode === 'eager' ? {} : { memory: forecastMemory(run, device, PROCESS_BYTES) };
  return { device, gflops: await productSpeed(), precision: compile.precision, ...memory };
}
