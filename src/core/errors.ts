import { escapeControls } from './escape.js';
import { PROGRAM, type Remedy, type Vocabulary, wordRemedies, wordText } from './remedies.js';

/**
 * The kind of error. The command line exits with 1 for failed, 2 usage, 3 data, 4 endpoint, 5
 * backend, 130 interrupted.
 */
export type ErrorCode = 'failed' | 'usage' | 'data' | 'endpoint' | 'backend' | 'interrupted';

/** Fields that an error of any code can have. */
export interface CommonFields {
  /** The file or folder that the error is about. */
  readonly file?: string | undefined;
  /** The option that the error is about: `maxLength`, `lora.rank`. */
  readonly option?: string | undefined;
  readonly expected?: string | number | boolean | undefined;
  readonly actual?: string | number | boolean | undefined;
  /** What would help; also part of the message. */
  readonly remedies?: readonly Remedy[] | undefined;
  /** The operating system's error code: `ENOSPC`. */
  readonly errno?: string | undefined;
  /** True if missing memory is the only cause. */
  readonly outOfMemory?: boolean | undefined;
  /** Stage of a run, from 1. */
  readonly stage?: number | undefined;
  /** Step of the stage, from 1. */
  readonly step?: number | undefined;
  /** The checkpoint to continue from. */
  readonly path?: string | undefined;
  /** The number of rows, or their ids. */
  readonly rows?: number | string | undefined;
  readonly field?: string | undefined;
  readonly tensor?: string | undefined;
}

/** Fields that only errors of one code have. */
export interface FieldsOfCode {
  readonly failed: {
    /** The process that holds a lock, its host, and since when (ISO 8601). */
    readonly pid?: number | undefined;
    readonly host?: string | undefined;
    readonly since?: string | undefined;
    readonly loss?: number | undefined;
    readonly gradNorm?: number | undefined;
    readonly whole?: string | undefined;
    readonly copy?: string | undefined;
    readonly differences?: string | undefined;
    /** What is wrong with a handover, by name. */
    readonly traps?: string | undefined;
    /** The one of several devices that failed. */
    readonly device?: number | undefined;
  };
  readonly usage: {
    readonly changes?: number | string | undefined;
    /** What was typed: a flag, a word, a command, a variable. */
    readonly flag?: string | undefined;
    readonly word?: string | undefined;
    readonly command?: string | undefined;
    readonly variable?: string | undefined;
    readonly name?: string | undefined;
  };
  readonly data: {
    readonly id?: string | undefined;
    readonly first?: string | number | undefined;
    readonly second?: string | number | undefined;
    readonly limit?: number | undefined;
    readonly line?: number | undefined;
    readonly row?: number | undefined;
    readonly column?: string | number | undefined;
    readonly prompt?: string | number | undefined;
    readonly badRows?: number | undefined;
    readonly maxLength?: number | undefined;
    readonly scores?: number | undefined;
    readonly stages?: number | undefined;
    readonly minShare?: number | undefined;
    readonly min?: number | undefined;
    readonly max?: number | undefined;
  };
  readonly endpoint: {
    readonly replies?: number | undefined;
    readonly reason?: string | undefined;
    readonly status?: number | undefined;
    readonly out?: string | undefined;
  };
  readonly backend: object;
  readonly interrupted: { readonly signal?: string | undefined };
}

/** The fields of all members of a union. */
export type AllOf<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void ? I : never;

/** What a program can read of an error, by its code; without a code, the fields of all. */
export type ErrorFields<C extends ErrorCode = ErrorCode> = CommonFields & AllOf<FieldsOfCode[C]>;

/** The longest message, in characters. */
const MAX_LENGTH = 1200;

/**
 * A message may quote a file: control characters are escaped and the length is bounded, so that it
 * stays one readable line.
 */
const oneLine = (message: string): string =>
  escapeControls(message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH - 3)}...` : message);

/** Problem and remedies as one line, in the words of an interface. */
export const wordError = (
  { problem, fields }: Pick<PhasetuneError, 'problem' | 'fields'>,
  vocabulary: Vocabulary = PROGRAM,
): string =>
  oneLine(
    [wordText(problem, vocabulary), wordRemedies(fields.remedies, vocabulary)].filter((part) => part !== '').join('; '),
  );

/**
 * An error that the user can act on. `problem` says what was expected and what was found,
 * `fields.remedies` what to do; `message` is both, in one line. All of them name options as a
 * program writes them (`` `maxLength` ``). An interface with other names calls {@link wordError}
 * with its own vocabulary.
 *
 * @example
 * try {
 *   await readRecords('missing.jsonl');
 * } catch (error) {
 *   if (!(error instanceof PhasetuneError)) throw error;
 *   console.error(error.code, error.problem, error.fields.file, error.fields.remedies);
 * }
 */
export class PhasetuneError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'PhasetuneError';
  readonly code: C;
  /** What went wrong, without the remedies. */
  readonly problem: string;
  readonly fields: ErrorFields<C>;

  constructor(code: C, problem: string, fields: ErrorFields<C> = {} as ErrorFields<C>, options?: { cause?: unknown }) {
    super(wordError({ problem, fields }), options);
    this.code = code;
    this.problem = oneLine(problem);
    this.fields = fields;
  }
}

/** The most common error: a file, row or field that is not as it must be. */
export const dataError = (message: string, fields?: ErrorFields<'data'>, cause?: unknown): PhasetuneError<'data'> =>
  new PhasetuneError('data', message, fields, { cause });

/** True for a {@link dataError}: a problem of one file or row, which others need not have. */
export const isDataError = (error: unknown): error is PhasetuneError<'data'> =>
  error instanceof PhasetuneError && error.code === 'data';

/** An option that is not as it must be. */
export const usageError = (message: string, fields?: ErrorFields<'usage'>): PhasetuneError<'usage'> =>
  new PhasetuneError('usage', message, fields);
