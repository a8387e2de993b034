import type { Backend } from '../backend/backend.js';
import { startWorker } from '../backend/native/worker.js';
import type { Recipe } from '../config/recipe.js';
import type { ModelConfig } from '../model/config.js';
import type { PrecisionChoice } from '../program/products/choose.js';
import type { EntryBatches } from '../train/entry-shapes.js';
import type { MemoryForecast } from '../train/memory-forecast.js';
import type { Hooks } from './hooks.js';

/** A planned run: what decides how much memory it takes. */
export interface ForecastQuestion {
  readonly recipe: Recipe;
  readonly config: ModelConfig;
  readonly batches: EntryBatches;
}

/** What a run would take. */
export interface MemoryAnswer {
  readonly device?: Backend['device'];
  /** Absent for an eager program, whose memory is not known beforehand. */
  readonly memory?: MemoryForecast;
  /** Type of its products. */
  readonly precision?: 'float32' | 'bfloat16';
  /** Why nothing is known. */
  readonly problem?: string;
}

/** How fast this machine is. */
export interface SpeedAnswer {
  readonly device?: Backend['device'];
  /** Of float32 products, in units of 10^9 floating-point operations a second. */
  readonly gflops?: number;
  /** Why nothing is known. */
  readonly problem?: string;
}

/** The type of products that is chosen here. */
export type PrecisionAnswer = PrecisionChoice | { readonly problem: string };

/** What the process is asked, and what it answers. */
export type ForecastRequest =
  | { readonly memory: ForecastQuestion }
  | { readonly speed: true }
  | { readonly precision: true };
/** See {@link ForecastRequest}. */
export type ForecastReply =
  | { readonly about: 'memory'; readonly answer: MemoryAnswer }
  | { readonly about: 'speed'; readonly answer: SpeedAnswer }
  | { readonly about: 'precision'; readonly answer: PrecisionAnswer };

const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './forecast-worker.ts' : './forecast-worker.js',
  import.meta.url,
);

/** A process that loads TensorFlow for another one. What cannot be found out is a `problem`. */
export interface Forecaster {
  /** Works out what a run would take on this machine; asked once. */
  memory(question: ForecastQuestion): Promise<MemoryAnswer>;
  /** Measures how fast this machine is; asked once. */
  speed(): Promise<SpeedAnswer>;
  /** Decides what `precision: auto` is on this machine; asked once. */
  precision(): Promise<PrecisionAnswer>;
  end(): Promise<void>;
}

/**
 * Starts a process that loads TensorFlow, so that this one stays small and can do other work meanwhile; `end` it. An
 * aborted `signal` ends questions with a problem.
 */
export function startForecaster({ verbose = false, signal }: Hooks = {}): Forecaster {
  const memory = promised<MemoryAnswer>();
  const speed = promised<SpeedAnswer>();
  const precision = promised<PrecisionAnswer>();
  const fail = (problem: string) => {
    for (const asked of [memory, speed, precision]) asked.resolve({ problem });
  };
  const stop = () => fail('stopped');
  signal?.addEventListener('abort', stop, { once: true });
  const worker = startWorker(
    WORKER,
    { verbose },
    {
      onMessage(message) {
        const reply = message as ForecastReply;
        if (reply.about === 'memory') memory.resolve(reply.answer);
        else if (reply.about === 'speed') speed.resolve(reply.answer);
        else precision.resolve(reply.answer);
      },
      onEnd: ({ lastLine, killedBy }) => fail(`the process that loads TensorFlow ended: ${lastLine || killedBy}`),
    },
  );
  const send = (request: ForecastRequest) => worker.send(request);
  return {
    memory(question) {
      send({ memory: question });
      return memory.promise;
    },
    speed() {
      send({ speed: true });
      return speed.promise;
    },
    precision() {
      send({ precision: true });
      return precision.promise;
    },
    async end() {
      signal?.removeEventListener('abort', stop);
      await worker.end();
    },
  };
}

function promised<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}
