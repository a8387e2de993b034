import type { Message } from '../../data/record.js';

/** An instruction to answer: a row of a set. */
export interface EvalRow {
  /** Name of its set: the file's name without extension. */
  readonly set: string;
  /** Unique within its set. */
  readonly id: string;
  /** The turns before the answer. */
  readonly messages: readonly Message[];
  /** The set's own answer. */
  readonly reference?: string | undefined;
  /** Difficulty; higher is harder. */
  readonly score?: number | undefined;
  /** Band of difficulty, from 1: the stage that the row belongs to. */
  readonly band?: number | undefined;
  /** What else the row says, such as constraints that its answer must meet. */
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
}

/** The text by which other programs know a row: its only turn, or all turns with their roles. */
export const instructionText = ({ messages }: Pick<EvalRow, 'messages'>): string =>
  messages.length === 1 && messages[0]!.role === 'user'
    ? messages[0]!.content
    : messages.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
