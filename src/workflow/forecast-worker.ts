import { loadBackend } from '../backend/load.js';
import { serveParent } from '../backend/native/worker.js';
import { productSpeed } from '../backend/product-speed.js';
import { decideProgram } from '../program/decide.js';
import { choosePrecision } from '../program/products/choose.js';
import { forecastMemory } from '../train/memory.js';
import type { ForecastQuestion, ForecastReply, ForecastRequest, MemoryAnswer, SpeedAnswer } from './forecast.js';

/** Bytes that a process of a run holds before its program: Node.js, the library, rows. Measured: 410 to 430 MiB. */
const PROCESS_BYTES = 430 * 2 ** 20;

// The process that `startForecaster` starts: it loads TensorFlow, so that the one which asks need not.
const link = serveParent();
const loading = loadBackend({ device: 'auto' });
loading.catch(() => {});
link.onMessage((message) => {
  const request = message as ForecastRequest;
  void replyTo(request).then((value) => link.send(value));
});

async function replyTo(request: ForecastRequest): Promise<ForecastReply> {
  if ('memory' in request) return { about: 'memory', answer: await orProblem(memoryOf(request.memory)) };
  if ('speed' in request) return { about: 'speed', answer: await orProblem(speedHere()) };
  return { about: 'precision', answer: await orProblem(loading.then((backend) => choosePrecision({}, backend))) };
}

const orProblem = <T>(answer: Promise<T>): Promise<T | { problem: string }> =>
  answer.catch((error: unknown) => ({ problem: (error as Error).message.split('\n')[0]! }));

async function memoryOf({ recipe, config, batches }: ForecastQuestion): Promise<MemoryAnswer> {
  const backend = await loading;
  const compile = await decideProgram(recipe, backend);
  const about = { device: backend.device, precision: compile.precision };
  if (compile.mode === 'eager') return about;
  const { lora, optim, gradientCheckpointing = false } = recipe;
  const run = { config, lora, optim, gradientCheckpointing, compile, batches };
  return { ...about, memory: forecastMemory(run, backend.device, PROCESS_BYTES) };
}

async function speedHere(): Promise<SpeedAnswer> {
  const { device } = await loading;
  return { device, gflops: await productSpeed() };
}
