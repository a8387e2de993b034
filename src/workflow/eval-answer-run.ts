import { dataError, isDataError, PhasetuneError } from '../core/errors.js';
import type { Ledger } from '../endpoint/ledger.js';
import type { AnswerLine } from '../eval/answers/answer-ledger.js';
import type { Adapter } from '../lora/adapter.js';
import { type LossLine, measureLosses } from '../scoring/measure-losses.js';
import type { AnswerJob, Base, LossJob, ModelWork } from './eval-answer-model.js';
import type { AnswerSetsEvent } from './eval-answer-types.js';

/** What a ledger of answers holds. */
export type EvalLine = AnswerLine | LossLine;

/** What was generated and measured. */
export interface Spent {
  readonly generated: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly measured: number;
}

/**
 * Generates what is missing and writes it into the ledger, batch by batch, then measures the missing losses. Fails
 * with code `interrupted` when the signal is aborted; what was done is then on the disk.
 */
export async function* runModels(
  { answers, losses }: Pick<ModelWork, 'answers' | 'losses'>,
  ledger: Ledger<EvalLine>,
  signal: AbortSignal | undefined,
): AsyncGenerator<AnswerSetsEvent, Spent> {
  const spent = yield* answerAll(answers, ledger, signal);
  const measured = yield* measureAll(losses, ledger, signal);
  return { ...spent, measured };
}

/** Keeps the adapter that was read last. */
function adapterReader(): (base: Base, path: string | undefined) => Promise<Adapter | undefined> {
  let last: { readonly base: Base; readonly path: string; readonly adapter: Adapter } | undefined;
  return async (base, path) => {
    if (path === undefined) return undefined;
    if (last?.base !== base || last.path !== path) last = { base, path, adapter: await base.model.adapter(path) };
    return last.adapter;
  };
}

/** Frees the weights of a base before those of another one are loaded. */
function unloader(): (base: Base) => void {
  let last: Base | undefined;
  return (base) => {
    if (last && last !== base) last.model.unload();
    last = base;
  };
}

async function* answerAll(
  jobs: readonly AnswerJob[],
  ledger: Ledger<EvalLine>,
  signal: AbortSignal | undefined,
): AsyncGenerator<AnswerSetsEvent, Omit<Spent, 'measured'>> {
  const total = jobs.reduce((n, job) => n + missingIn(job, ledger).size, 0);
  const start = performance.now();
  const adapterOf = adapterReader();
  const change = unloader();
  let [done, tokens] = [0, 0];
  const seconds = () => (performance.now() - start) / 1000;
  for (const job of jobs) {
    if (!job.left) continue;
    change(job.base);
    const { arm, run, set } = job;
    const adapter = await adapterOf(job.base, job.adapter);
    const stop = stopping(signal, () => `${done} of ${total} answers`);
    for await (const lines of linesOf(job, adapter, ledger, stop)) {
      done += lines.length;
      tokens += lines.reduce((n, { ids }) => n + ids.length, 0);
      const progress = { done, total, seconds: seconds(), tokensPerSecond: tokens / seconds() };
      yield { type: 'answers', arm, run, set: set.set.name, ...progress };
    }
  }
  return { generated: done, tokens, seconds: seconds() };
}

/** Keys whose answers are still to be generated. */
const missingIn = ({ keys }: AnswerJob, ledger: Ledger<EvalLine>): Set<string> =>
  new Set(keys.filter((key) => !ledger.has(key)));

const interrupted = (far: string) =>
  new PhasetuneError('interrupted', `stopped after ${far}`, {
    remedies: [{ advice: 'run the same task again to continue' }],
  });

/** A signal whose reason says how far the work is. */
function stopping(signal: AbortSignal | undefined, far: () => string): AbortSignal | undefined {
  if (!signal) return undefined;
  const controller = new AbortController();
  const stop = () => controller.abort(interrupted(far()));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return controller.signal;
}

/** Answers a job's batches; yields the new lines of each, which are then on the disk. */
async function* linesOf(
  job: AnswerJob,
  adapter: Adapter | undefined,
  ledger: Ledger<EvalLine>,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly AnswerLine[]> {
  const { base, keys, set } = job;
  const left = job.left!;
  const missing = missingIn(job, ledger);
  let writing: Promise<void>[] = [];
  let [lines, answered, batch]: [AnswerLine[], number, number] = [[], 0, 0];
  const written = async () => {
    const all = writing;
    writing = [];
    await Promise.all(all);
  };
  try {
    signal?.throwIfAborted();
    for await (const { index, ids, output, finish } of base.model.answer(left, adapter, signal)) {
      const key = keys[index]!;
      // Of a batch that was half-known the rest is new; of equal prompts the first counts.
      if (missing.delete(key)) {
        const item = `${set.set.name}/${set.set.chosen[index]!.id}`;
        const line = { key, item, output, ids: [...ids], finish };
        lines.push(line);
        const append = ledger.append(line);
        append.catch(() => {});
        writing.push(append);
      }
      if (++answered < (left.batches[batch]?.length ?? 0)) continue;
      await written();
      yield lines;
      [lines, answered, batch] = [[], 0, batch + 1];
    }
    await written();
    if (lines.length > 0) yield lines;
  } catch (error) {
    throw named(error, job);
  } finally {
    await written();
  }
}

/** The error of a prompt whose logits are not numbers, by its row. */
function named(error: unknown, { arm, run, set }: AnswerJob): unknown {
  const prompt = isDataError(error) ? error.fields.prompt : undefined;
  if (!isDataError(error) || typeof prompt !== 'number') return error;
  const { id } = set.set.chosen[prompt - 1]!;
  const where = `arm ${arm}${run > 1 ? `, run ${run}` : ''}, row ${id} of ${set.set.name}`;
  return dataError(`${where}: ${error.problem.replace(/^prompt \d+/, 'its prompt')}`, { id, prompt }, error);
}

async function* measureAll(
  jobs: readonly LossJob[],
  ledger: Ledger<EvalLine>,
  signal: AbortSignal | undefined,
): AsyncGenerator<AnswerSetsEvent, number> {
  const left = jobs.filter(({ plan }) => plan.batches.length > 0);
  const total = left.reduce((n, { plan }) => n + plan.tokens, 0);
  const start = performance.now();
  const adapterOf = adapterReader();
  const change = unloader();
  let [before, texts] = [0, 0];
  for (const { base, adapter: path, source, plan } of left) {
    change(base);
    const shapes = left.filter((job) => job.base === base).flatMap((job) => job.plan.batches);
    const meter = await base.model.meter(shapes, await adapterOf(base, path));
    const far = () => `${before} of ${total} tokens whose loss is measured`;
    let done = before;
    if (signal?.aborted) throw interrupted(far());
    const measuring = measureLosses(plan, meter, ledger, signal);
    try {
      for await (const progress of measuring.events) {
        done = before + progress.tokens;
        const seconds = (performance.now() - start) / 1000;
        yield { type: 'losses', source, done, total, seconds, tokensPerSecond: done / seconds };
      }
    } catch (error) {
      throw error instanceof PhasetuneError && error.code === 'interrupted' ? interrupted(far()) : error;
    }
    before = done;
    texts += plan.texts - plan.known;
  }
  return texts;
}
