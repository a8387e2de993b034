import { usageError } from '../core/errors.js';
import type { Ledger, LedgerLine } from '../endpoint/ledger.js';
import type { PairMessages } from '../eval/judge/letter-texts.js';
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

/** What a local judge works with besides its options. */
export interface LocalJudgeParts {
  /** What was measured before, and is not measured again; other judges' lines may be in it. Stays open. */
  readonly ledger: Ledger<LedgerLine>;
  /** Prompt of a pair, with the name and version of its text. */
  readonly messagesOf: PairMessages;
  readonly prompt: string;
}

/**
 * Opens a judge that needs no endpoint: `letters` and `likelihood` load TensorFlow and a model, `length` nothing.
 * Throws a usage error where a model is needed and not named, and data errors of its files.
 */
export async function openLocalJudge(
  kind: Exclude<JudgeKind, 'llm'>,
  options: LocalJudgeSettings,
  parts: LocalJudgeParts,
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
  const { ledger, messagesOf, prompt } = parts;
  if (kind === 'letters') {
    const { openLettersJudge } = await import('../eval/model/letters-judge.js');
    return openLettersJudge({ ...setup, messagesOf, prompt, ledger: ledger as never });
  }
  const { openLikelihoodJudge } = await import('../eval/model/likelihood-judge.js');
  return openLikelihoodJudge({ ...setup, ledger: ledger as never });
}
