/** The value of an option that a sentence can name. */
export type OptionValue = string | number | boolean;

const TASKS = [
  'setup',
  'doctor',
  'model import',
  'model pull',
  'data import',
  'score',
  'score import',
  'stage',
  'train',
  'inspect rows',
  'eval answer',
  'eval judge',
  'eval report',
  'ablate',
  'ablate status',
  'ablate retry',
  'ablate stop',
  'handover',
  'handover check',
  'handover import',
  'watch',
] as const;

/**
 * The tasks of phasetune that a remedy can name; each is a function of the public API and a command
 * of the command line.
 */
export type TaskName = (typeof TASKS)[number];

/**
 * Something that would help, as data: a program can act on it, and each interface words it in its
 * own way. `option` is an option of the task that failed (`maxLength`, `lora.rank`), `task` another
 * task to run first, and `advice` anything else, as an imperative clause without a full stop.
 * `note` follows in the sentence: `raise maxLength to keep them`.
 */
export type Remedy =
  | {
      readonly option: string;
      readonly change: 'raise' | 'lower' | 'set' | 'omit';
      /** For `set`: the value. Left out if the user must choose it. */
      readonly value?: OptionValue | undefined;
      readonly note?: string | undefined;
    }
  | {
      readonly task: TaskName;
      readonly options?: Readonly<Record<string, OptionValue>> | undefined;
      readonly note?: string | undefined;
    }
  | { readonly advice: string };

/** Options of a task that a sentence or a page names. */
export type TaskOptions = Readonly<Record<string, OptionValue | readonly string[]>>;

/** How an interface names options and tasks. */
export interface Vocabulary {
  /**
   * An option, or an option with a value. Undefined for a word that is not an option here: it is left
   * unchanged in a sentence, and a remedy that would change it is left out.
   */
  option(name: string, value?: OptionValue): string | undefined;
  task(name: TaskName, options: TaskOptions): string;
  /** What a task is called. Default `task`. */
  readonly taskWord?: string;
}

/** How a TypeScript program names them: `` `maxLength` ``, `` `mode: eager` ``, `` `stage` ``. */
export const PROGRAM: Vocabulary = {
  option: (name, value) => `\`${value === undefined ? name : `${name}: ${value}`}\``,
  task: (name) => `\`${name}\``,
};

/** A remedy as a clause. */
function wordRemedy(remedy: Remedy, vocabulary: Vocabulary = PROGRAM): string {
  if ('advice' in remedy) return wordText(remedy.advice, vocabulary);
  const note = remedy.note === undefined ? '' : ` ${wordText(remedy.note, vocabulary)}`;
  if ('task' in remedy) return `run ${vocabulary.task(remedy.task, remedy.options ?? {})}${note}`;
  const { option, change, value } = remedy;
  return `${change === 'omit' ? 'leave out' : change} ${vocabulary.option(option, value)}${note}`;
}

/**
 * Several remedies as one clause: `raise maxLength, or set truncate`. Remedies that change an option
 * which the interface does not have are left out. Empty for none.
 */
export const wordRemedies = (remedies: readonly Remedy[] = [], vocabulary: Vocabulary = PROGRAM): string =>
  remedies
    .filter((remedy) => !('option' in remedy) || vocabulary.option(remedy.option) !== undefined)
    .map((remedy) => wordRemedy(remedy, vocabulary))
    .join(', or ');

const TASK = new RegExp(`\\brun \`(${TASKS.join('|')})\``, 'g');

const OPTION = /`([a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)*)(?:: ([^`\n]+))?`/g;

/**
 * A sentence of the library in the words of an interface. The library writes an option in
 * backticks, with a value or without (`` `maxLength` ``, `` `mode: eager` ``), and another task as
 * ``run `setup` ``. What the vocabulary does not know as an option is left unchanged.
 */
export const wordText = (text: string, vocabulary: Vocabulary): string =>
  text
    .replaceAll('run the same task again', `run the same ${vocabulary.taskWord ?? 'task'} again`)
    .replace(TASK, (_, name: TaskName) => `run ${vocabulary.task(name, {})}`)
    .replace(OPTION, (written, name: string, value?: string) => vocabulary.option(name, value) ?? written);
