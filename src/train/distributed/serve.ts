import type { ParentLink } from '../../backend/native/worker.js';
import { PhasetuneError } from '../../core/errors.js';
import type { SharedFloats } from '../../io/shared-floats.js';
import type { LoraTuner } from '../lora-tuner.js';
import { hashTensors } from './hash-tensors.js';
import type { CallName, Calls, FromWorker, SentError, ToWorker, WorkerSetup } from './messages.js';
import { rankStepper } from './rank-step.js';

/** What a worker needs of the process that it runs in. */
export interface WorkerParts {
  readonly link: ParentLink;
  readonly shared: SharedFloats;
  /** Loads the backend and makes the tuner; nothing is loaded into it yet. */
  open(setup: WorkerSetup): Promise<LoraTuner>;
}

type Answers = { readonly [name in CallName]: (given: Calls[name][0]) => Promise<Calls[name][1]> | Calls[name][1] };

/**
 * Answers the calls of the process that trains, one after the other, from a tuner over the same weights. After
 * an error it reports that and answers nothing more.
 */
export function serve({ link, shared, open }: WorkerParts): void {
  const send = (message: FromWorker) => link.send(message);
  let met = () => {};
  const meet = () =>
    new Promise<void>((resolve) => {
      met = resolve;
      send({ type: 'arrived' });
    });
  let answers: Answers | undefined;
  let work = Promise.resolve();
  let failed = false;
  const next = (task: () => Promise<void>) => {
    work = work.then(async () => {
      if (failed) return;
      try {
        await task();
      } catch (error) {
        failed = true;
        send({ type: 'failed', error: sentError(error) });
      }
    });
  };
  link.onMessage((given) => {
    const message = given as ToWorker;
    if (message.type === 'met') return met();
    if (message.type === 'setup')
      return next(async () => {
        const { rank, ranks } = message.setup;
        answers = answersOf(await open(message.setup), { rank, ranks, write: shared.write, read: shared.read, meet });
        send({ type: 'ready' });
      });
    next(async () => {
      const answer = answers![message.name] as (given: unknown) => unknown;
      send({ type: 'answer', result: await answer(message.given) });
    });
  });
}

function answersOf({ tuner, parts }: LoraTuner, exchange: Parameters<typeof rankStepper>[1]): Answers {
  return {
    async loadBase(merged) {
      await tuner.loadBase(merged);
      return undefined;
    },
    write({ what, tensors }) {
      tuner.write(what, tensors);
      return undefined;
    },
    reset({ what, seed }) {
      tuner.reset(what, seed);
      return undefined;
    },
    step: rankStepper(parts, exchange),
    evaluate: (batch) => tuner.evaluate(batch),
    hash: async (what) => hashTensors(await tuner.read(what)),
  };
}

function sentError(error: unknown): SentError {
  if (!(error instanceof PhasetuneError)) return { message: error instanceof Error ? error.message : String(error) };
  const { code, message, problem, fields } = error;
  return { code, message, problem, fields };
}
