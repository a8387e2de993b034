import { PhasetuneError } from '../../core/errors.js';
import type { LoraTuner } from '../lora-tuner.js';
import { trainedTokens } from '../step-parts.js';
import type { StepResult, Tuner } from '../tuner.js';
import type { Group } from './group.js';
import { hashTensors } from './hash-tensors.js';
import type { CallName, Calls } from './messages.js';
import { rankStepper, shareOf } from './rank-step.js';

/** Steps between two comparisons of all adapters. */
const COMPARE_EVERY = 100;

/**
 * A tuner whose steps are made by all processes of a group together: every process holds the same base, adapter
 * and moments. Steps come to the same bytes as those of `local` alone, for the same micro-batches. The first
 * error ends the other processes; after it `read` gives what this process holds, which is the state before the
 * step where the error has the field `outOfMemory`.
 */
export function distributedTuner(local: LoraTuner, group: Group): Tuner {
  const others = Array.from({ length: group.ranks - 1 }, (_, i) => i + 1);
  const callAll = <N extends CallName>(name: N, given: (rank: number) => Calls[N][0]): Promise<Calls[N][1]>[] =>
    others.map((rank) => group.call(rank, name, given(rank)));
  const together = <T>(work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      group.fail(error);
      throw error;
    });
  /** Both at once: what fails first is the error. */
  const both = async <T, U>(mine: Promise<T>, theirs: readonly Promise<U>[]): Promise<readonly [T, readonly U[]]> => {
    const [result, ...results] = await Promise.all([mine, ...theirs]);
    return [result, results];
  };
  // Nobody waits for what is set; an error of it ends the group, and so comes with the next call.
  const post = (promises: readonly Promise<unknown>[]) => {
    for (const promise of promises) promise.catch(() => {});
  };
  const step = stepTogether(local, group, callAll);
  const compared = async (what: 'adapter' | 'optimizer') => {
    if (group.failed()) return local.tuner.read(what);
    const [tensors, hashes] = await both(
      local.tuner.read(what),
      callAll('hash', () => what),
    );
    refuseDifferent(what, hashTensors(tensors), hashes);
    return tensors;
  };
  let steps = 0;
  let turn = 0;
  return {
    parallel: group.ranks,
    step: (batches, inputs) =>
      together(async () => {
        const result = await step(batches, inputs);
        if (++steps % COMPARE_EVERY === 0) await compared('adapter');
        return result;
      }),
    evaluate: (batch) =>
      together(() => {
        const rank = turn++ % group.ranks;
        return rank === 0 ? local.tuner.evaluate(batch) : group.call(rank, 'evaluate', batch);
      }),
    read: (what) => together(() => compared(what)),
    write(what, tensors) {
      post(callAll('write', () => ({ what, tensors })));
      local.tuner.write(what, tensors);
    },
    reset(what, seed) {
      post(callAll('reset', () => ({ what, seed })));
      local.tuner.reset(what, seed);
    },
    loadBase: (merged) =>
      together(async () => {
        await both(
          local.tuner.loadBase(merged),
          callAll('loadBase', () => merged),
        );
      }),
    memory: () => local.tuner.memory(),
    dispose: () => local.tuner.dispose(),
  };
}

type CallAll = <N extends CallName>(name: N, given: (rank: number) => Calls[N][0]) => Promise<Calls[N][1]>[];

function stepTogether(local: LoraTuner, group: Group, callAll: CallAll): Tuner['step'] {
  let applying = false;
  const mine = rankStepper(local.parts, group, () => {
    applying = true;
  });
  return async (batches, inputs) => {
    applying = false;
    const { ranks } = group;
    const trained = trainedTokens(batches);
    const share = (rank: number) => ({ batches: shareOf(batches, { rank, ranks }), trained, inputs });
    try {
      const theirs = callAll('step', share);
      const [result, ...results] = await Promise.all([mine(share(0)), ...theirs]);
      if (results.some((other) => !same(result!, other))) throw differentError('the last step');
      return result!;
    } catch (error) {
      // Whether this process applied the step is not known any more, so its state must not be saved.
      if (applying && error instanceof PhasetuneError && error.fields.outOfMemory) throw withoutMemory(error);
      throw error;
    }
  };
}

const same = (one: StepResult, other: StepResult): boolean =>
  Object.is(one.loss, other.loss) && Object.is(one.gradNorm, other.gradNorm) && one.applied === other.applied;

const withoutMemory = (error: PhasetuneError): PhasetuneError => {
  const { outOfMemory: _, ...fields } = error.fields;
  return new PhasetuneError(error.code, error.problem, fields, { cause: error });
};

function refuseDifferent(what: string, mine: string, hashes: readonly string[]): void {
  if (hashes.some((hash) => hash !== mine)) throw differentError(`the ${what}`);
}

const differentError = (what: string): PhasetuneError =>
  new PhasetuneError(
    'failed',
    `the devices differ in ${what}, which must be equal to the bit: a card computes wrongly, or they are of different kinds`,
    {
      remedies: [
        { option: 'devices', change: 'set', note: 'to cards of one kind' },
        { advice: 'continue from the last whole checkpoint with `resume`' },
      ],
    },
  );
