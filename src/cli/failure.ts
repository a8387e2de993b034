import { type ErrorCode, PhasetuneError, wordError } from '../core/errors.js';
import { FREE_MEMORY, isNamedOutOfMemory, isOutOfMemory } from '../core/out-of-memory.js';
import { type Vocabulary, wordRemedies } from '../core/remedies.js';
import { fileError } from '../io/files.js';
import type { Terminal } from '../telemetry/terminal.js';

const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  failed: 1,
  usage: 2,
  data: 3,
  endpoint: 4,
  backend: 5,
  interrupted: 130,
};

/** The exit status that a shell shows for SIGHUP. */
export const HANGUP_CODE = 129;

/** Process exit code of an error; 129 for work that saved and stopped because its terminal was closed. */
export const exitCodeOf = ({ code, fields }: PhasetuneError): number =>
  code === 'interrupted' && fields.signal === 'SIGHUP' ? HANGUP_CODE : EXIT_CODES[code];

/** True for an error of another kind whose real cause is missing memory. */
const endsForMemory = (error: PhasetuneError): boolean =>
  !isNamedOutOfMemory(error) && ['data', 'failed', 'backend'].includes(error.code) && isOutOfMemory(error);

function unnamedOutOfMemory(thrown: Error): PhasetuneError {
  const cause = thrown.message.split('\n').join(': ');
  return new PhasetuneError(
    'failed',
    `out of memory (${cause}): ${wordRemedies([FREE_MEMORY])}`,
    { outOfMemory: true },
    { cause: thrown },
  );
}

/**
 * Any thrown value as an error with a code: system errors about files as one clear line, everything
 * else as a defect of ours.
 */
export function asFailure(thrown: unknown): PhasetuneError {
  if (thrown instanceof PhasetuneError) return endsForMemory(thrown) ? unnamedOutOfMemory(thrown) : thrown;
  if (isOutOfMemory(thrown)) return unnamedOutOfMemory(thrown as Error);
  const error: NodeJS.ErrnoException = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error.path !== undefined && error.code !== undefined) return fileError('read', error.path, error);
  const message = `unexpected error: ${error.message}; please report it with the output of --verbose`;
  return new PhasetuneError('failed', message, {}, { cause: error });
}

/**
 * The error as what `--json` prints: the message in the words of the command line, the fields as
 * the library has them.
 */
export const failureJson = (failure: PhasetuneError, vocabulary?: Vocabulary): Record<string, unknown> => ({
  error: { ...failure.fields, code: failure.code, message: wordError(failure, vocabulary) },
});

/** Prints what went wrong and returns the exit code. */
export function report(thrown: unknown, args: readonly string[], terminal: Terminal, vocabulary?: Vocabulary): number {
  const [json, verbose] = [args.includes('--json'), args.includes('--verbose')];
  const failure = asFailure(thrown);
  terminal.write(`error: ${wordError(failure, vocabulary)}`);
  for (let cause: unknown = thrown; verbose && cause instanceof Error; cause = cause.cause)
    terminal.writeText(String(cause.stack));
  if (json) terminal.printJson(failureJson(failure, vocabulary));
  return exitCodeOf(failure);
}
