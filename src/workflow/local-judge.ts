import { usageError } from '../core/errors.js';
import type { Ledger, LedgerLine } from '../endpoint/ledger.js';
import type { LocalJudgeOptions } from '../eval/judge/local-options.js';
import type { JudgeKind, PairJudge } from '../eval/judge/pair-judge.js';
import type { ProgramOptions } from '../program/options.js';
import { silentLogger } from '../telemetry/logger.js';
import type { Hooks } from './hooks.js';

/** Options of a judge in this process; `model` may be left out for one that needs none. */
export interface LocalJudgeSettings extends LocalJudgeOptions, Pick<ProgramOptions, 'mode' | 'compile' | 'attention'> {
  readonly model?: string | undefined;
  readonly device: 'auto' | 'cuda' | 'cpu' | 'wasm';
}

/**
 * Opens a judge that needs no endpoint: `letters` and `likelihood` load TensorFlow and a model,
 * `length` nothing. `ledger` has what was measured before, which is not measured again; other
 * judges' lines may be in it, and it stays open. Throws a usage error where a model is needed and
 * not named, and data errors of its files.
 */
export async function openLocalJudge(
  kind: Exclude<JudgeKind, 'llm'>,
  options: LocalJudgeSettings,
  ledger: Ledger<LedgerLine> | undefined,
  { logger = silentLogger, verbose = false }: Pick<Hooks, 'logger' | 'verbose'> = {},
): Promise<PairJudge> {
  if (kind === 'length') {
    const { lengthJudge } = await import('../eval/judge/length.js');
    return lengthJudge();
  }
  const { model, device, mode, compile, attention, judgePrecision: precision, judgeBatch, judgeMaxLength } = options;
  if (model === undefined)
    throw usageError(`\`judge: ${kind}\` needs a model folder`, {
      option: 'model',
      remedies: [
        { option: 'model', change: 'set', note: 'to one' },
        { task: 'model pull', note: 'to fetch one' },
      ],
    });
  const { loadBackend } = await import('../backend/load.js');
  const { compileOptions } = await import('../program/options.js');
  const backend = await loadBackend({ device, logger, verbose });
  const setup = {
    model,
    compile: compileOptions({ mode, compile, attention, precision }, backend),
    judgeBatch,
    judgeMaxLength,
    logger,
  };
  if (kind === 'letters') {
    const { openLettersJudge } = await import('../eval/model/letters-judge.js');
    return openLettersJudge({ ...setup, ledger: ledger as never });
  }
  const { openLikelihoodJudge } = await import('../eval/model/likelihood-judge.js');
  return openLikelihoodJudge({ ...setup, ledger: ledger as never });
}
