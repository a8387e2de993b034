import type { Backend } from '../backend/backend.js';
import { startWorker } from '../backend/native/worker.js';
import type { Recipe } from '../config/recipe.js';
import type { ModelConfig } from '../model/config.js';
import type { EntryBatches } from '../train/entry-shapes.js';
import type { MemoryForecast } from '../train/memory-forecast.js';
import type { Hooks } from './hooks.js';

/** A planned run: what decides how much memory it takes. */
export interface ForecastQuestion {
  readonly recipe: Recipe;
  readonly config: ModelConfig;
  readonly batches: EntryBatches;
}

/** What is known about this machine and a run on it. */
export interface ForecastAnswer {
  readonly device?: Backend['device'];
  /** Speed of float32 products, in units of 10^9 floating-point operations a second. */
  readonly gflops?: number;
  /** Type of the run's own products. */
  readonly precision?: 'float32' | 'bfloat16';
  /** Absent for an eager program, whose memory is not known beforehand. */
  readonly memory?: MemoryForecast;
  /** Why nothing is known. */
  readonly problem?: string;
}

const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './forecast-worker.ts' : './forecast-worker.js',
  import.meta.url,
);

/** A process that loads TensorFlow for another one. */
export interface Forecaster {
  /**
   * Works out what a run would take on this machine, and measures how fast that is. What cannot be found out is a
   * `problem`.
   */
  ask(question: ForecastQuestion): Promise<ForecastAnswer>;
  end(): Promise<void>;
}

/**
 * Starts a process that loads TensorFlow, so that this one stays small and can do other work meanwhile; `end` it. An
 * aborted `signal` ends a question with a problem.
 */
export function startForecaster({ verbose = false, signal }: Hooks = {}): Forecaster {
  let answered: (answer: ForecastAnswer) => void = () => {};
  const answer = new Promise<ForecastAnswer>((resolve) => {
    answered = resolve;
  });
  const stop = () => answered({ problem: 'stopped' });
  signal?.addEventListener('abort', stop, { once: true });
  const worker = startWorker(
    WORKER,
    { verbose },
    {
      onMessage: (message) => answered(message as ForecastAnswer),
      onEnd: ({ lastLine, killedBy }) => answered({ problem: lastLine || `its process was ended by ${killedBy}` }),
    },
  );
  return {
    ask(question) {
      worker.send(question);
      return answer;
    },
    async end() {
      signal?.removeEventListener('abort', stop);
      await worker.end();
    },
  };
}
