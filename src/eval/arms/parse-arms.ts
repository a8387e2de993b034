import { usageError } from '../../core/errors.js';
import { show } from '../../core/shown.js';
import { exists } from '../../io/files.js';

/** An arm as it was named: `NAME=SOURCE`, or `NAME=SOURCE,SOURCE` for several runs of it. */
export interface NamedArm {
  readonly name: string;
  /** One for each run of the arm. */
  readonly sources: readonly string[];
}

/** The arms of an evaluation. */
export interface NamedArms {
  readonly arms: readonly NamedArm[];
  /** Name of the arm that the others are compared with. */
  readonly baseline: string;
}

/** Answers of an arm lie in a folder of its name. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_+.@ -]{0,79}$/u;

const FORM = 'expected NAME=SOURCE, such as phased=checkpoints/phased';

/**
 * Reads arms as they are written: `NAME=SOURCE`, where commas part the sources of several runs. The first is the
 * baseline unless another one is named. Throws usage errors: fewer than two arms, equal names, names that are no
 * names of files.
 */
export function parseArms(words: readonly string[], baseline?: string): NamedArms {
  const arms = words.map(parseArm);
  const names = arms.map(({ name }) => name);
  for (const [i, name] of names.entries()) {
    const twice = names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
    if (twice < i)
      throw usageError(
        `two arms have the name ${names[twice]}${names[twice] === name ? '' : ` or ${name}, which differ in case only`}`,
        {
          option: 'arms',
          name,
          remedies: [{ advice: `for several runs of one arm, write them with commas: ${name}=RUN,RUN` }],
        },
      );
  }
  if (arms.length < 2)
    throw usageError(`expected at least two arms to compare, got ${arms.length === 0 ? 'none' : `only ${names[0]}`}`, {
      option: 'arms',
      remedies: [{ advice: 'name the baseline first, such as base=models/base' }],
    });
  if (baseline !== undefined && !names.includes(baseline))
    throw usageError(`\`baseline\`: expected one of ${names.join(', ')}, got ${show(baseline)}`, {
      option: 'baseline',
    });
  return { arms, baseline: baseline ?? names[0]! };
}

function parseArm(word: string): NamedArm {
  const at = word.indexOf('=');
  if (at < 0) throw usageError(`${show(word)}: ${FORM}`, { option: 'arms', word });
  const [name, text] = [word.slice(0, at), word.slice(at + 1)];
  if (!NAME.test(name) || /[. ]$/.test(name))
    throw usageError(
      `${show(word)}: expected a name of at most 80 letters, digits, spaces and - _ + . @ before the =, got ${show(name)}`,
      { option: 'arms', word },
    );
  const sources = exists(text) ? [text] : text.split(',').map((source) => source.trim());
  const empty = sources.includes('');
  if (empty) throw usageError(`${show(word)}: a source is missing; ${FORM}`, { option: 'arms', word });
  const twice = sources.find((source, i) => sources.indexOf(source) < i);
  if (twice !== undefined)
    throw usageError(`arm ${name}: ${twice} is named twice; every run of an arm counts as a repetition of it`, {
      option: 'arms',
      file: twice,
    });
  return { name, sources };
}
