import { escapeControls } from './escape.js';

/** What went wrong, coarsely: decides the exit code of the command line (design: 1 failed, 2 usage, 3 data, 4 endpoint, 5 backend). */
export type ErrorCode = 'failed' | 'usage' | 'data' | 'endpoint' | 'backend' | 'interrupted';

/** Where and what, for a program that reads the error: file, line, tensor, field, expected, actual. */
export type ErrorFields = Record<string, string | number | boolean | undefined>;

/** Longest message, in characters. */
const LONGEST = 1200;

/** What is in a file may be in a message: it stays one short line to read, in a log and a report too. */
const oneLine = (message: string): string =>
  escapeControls(message.length > LONGEST ? `${message.slice(0, LONGEST - 3)}...` : message);

/**
 * An error the user can act on. The message is one line that says what was expected, what came and what to do;
 * the command line prints it without a stack trace.
 */
export class PhasetuneError extends Error {
  override readonly name = 'PhasetuneError';
  readonly code: ErrorCode;
  readonly fields: ErrorFields;

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}, options?: { cause?: unknown }) {
    super(oneLine(message), options);
    this.code = code;
    this.fields = fields;
  }
}

/** Shorthand for the commonest case: a file, row or field of the user's that is not as it must be. */
export const dataError = (message: string, fields?: ErrorFields, cause?: unknown): PhasetuneError =>
  new PhasetuneError('data', message, fields, { cause });

/** Whether an error is a {@link dataError}: trouble of one file or row, which others need not share. */
export const isDataError = (error: unknown): error is PhasetuneError =>
  error instanceof PhasetuneError && error.code === 'data';

/** A flag or option that is not as it must be. */
export const usageError = (message: string, fields?: ErrorFields): PhasetuneError =>
  new PhasetuneError('usage', message, fields);
