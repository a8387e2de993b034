/**
 * How a pattern of a tokenizer.json can backtrack. The Rust library gives a match up after ten
 * million steps, and then ends the whole process, so a pattern that can take so many on a text is
 * refused before it is used.
 */

/** What is repeated and what can fail in a part of a pattern. */
interface Shape {
  /**
   * Repeats without a bound in it, the most that follow one another; infinite where one repeats
   * what can match in several ways.
   */
  readonly repeats: number;
  /** Of those, nested in what comes after them: how many a failure makes try again, each over the whole text. */
  readonly retries: number;
  /** True where it may match in more than one way: an alternation, something optional, a repeat. */
  readonly choice: boolean;
  /** True where it must match something or hold, so that it can fail. */
  readonly required: boolean;
}

const ATOM: Shape = { repeats: 0, retries: 0, choice: false, required: true };

/** A repeat of more than this counts as one without a bound. */
const MANY = 100;

/** So often may something be repeated that can match in several ways: their number is multiplied each time. */
const FEW = 8;

/** Reads a pattern from the front. */
interface Reader {
  readonly text: string;
  at: number;
}

/**
 * Why a pattern may take more steps than a small multiple of the text's length, in words that
 * follow "it"; undefined where it does not. Known patterns of models all pass: they repeat
 * characters, one repeat at most before something that can fail.
 */
export function backtracks(pattern: string): string | undefined {
  const { retries } = alternatives({ text: pattern, at: 0 });
  if (retries <= 1) return undefined;
  return retries === Infinity
    ? 'repeats something that can match in several ways, before something that can fail'
    : `has ${retries} repeats one after another before something that can fail`;
}

/** Alternatives up to the end, or to the bracket that closes them. */
function alternatives(reader: Reader): Shape {
  const shapes = [sequence(reader)];
  while (reader.text[reader.at] === '|') {
    reader.at++;
    shapes.push(sequence(reader));
  }
  return {
    repeats: Math.max(...shapes.map((s) => s.repeats)),
    retries: Math.max(...shapes.map((s) => s.retries)),
    choice: shapes.length > 1 || shapes.some((s) => s.choice),
    required: shapes.every((s) => s.required),
  };
}

function sequence(reader: Reader): Shape {
  let [repeats, retries, inner] = [0, 0, 0];
  let [choice, required] = [false, false];
  while (reader.at < reader.text.length && !'|)'.includes(reader.text[reader.at]!)) {
    const part = quantified(reader, element(reader));
    if (part.required) retries = repeats;
    inner = Math.max(inner, part.retries);
    repeats += part.repeats;
    choice ||= part.choice;
    required ||= part.required;
  }
  return { repeats, retries: retries + inner, choice, required };
}

/** One character, class, escape or group. */
function element(reader: Reader): Shape {
  const { text } = reader;
  const character = text[reader.at++]!;
  if (character === '\\') return skipEscape(reader);
  if (character === '[') return skipClass(reader);
  if (character !== '(') return ATOM;
  const opened = /^\?(?:<?[=!]|>|:|<\w+>|[imxs-]*(?::|(?=\))))/.exec(text.slice(reader.at))?.[0] ?? '';
  reader.at += opened.length;
  const shape = alternatives(reader);
  reader.at++;
  if (/^\?<?[=!]/.test(opened)) return { ...shape, repeats: 0, required: true };
  // What an atomic group has matched is not tried again.
  return opened === '?>' ? { ...shape, repeats: 0, choice: false } : shape;
}

/** An escape, with the braces of `\p{L}` or `\x{1F600}`. */
function skipEscape(reader: Reader): Shape {
  const braced = /^(?:[pPxkgu]\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)/su.exec(reader.text.slice(reader.at));
  reader.at += braced?.[0].length ?? 1;
  return ATOM;
}

/** A class, with classes in it. */
function skipClass(reader: Reader): Shape {
  const { text } = reader;
  if (text[reader.at] === '^') reader.at++;
  if (text[reader.at] === ']') reader.at++;
  for (; reader.at < text.length; reader.at++) {
    const character = text[reader.at];
    if (character === '\\') reader.at++;
    else if (character === '[') {
      reader.at++;
      skipClass(reader);
      reader.at--;
    } else if (character === ']') {
      reader.at++;
      break;
    }
  }
  return ATOM;
}

/** What comes before, as often as the quantifier after it says. */
function quantified(reader: Reader, shape: Shape): Shape {
  let found = shape;
  for (;;) {
    const quantifier = /^(?:[*+?][?+]?|\{\d*,?\d*\}\??)/.exec(reader.text.slice(reader.at))?.[0];
    if (!quantifier || quantifier === '{}') return found;
    reader.at += quantifier.length;
    found = repeated(found, quantifier);
  }
}

function repeated(shape: Shape, quantifier: string): Shape {
  const [least, most] = bounds(quantifier);
  const required = least > 0 && shape.required;
  if (most <= 1) return { ...shape, choice: true, required };
  // A possessive repeat gives nothing back; after braces the mark is its own repeat in Oniguruma.
  if (/^[*+?]\+$/.test(quantifier)) return { ...shape, repeats: 0, choice: false, required };
  const several = shape.choice && most > FEW;
  const repeats = several ? Infinity : most > MANY ? 1 + shape.repeats : shape.repeats * most;
  return { ...shape, repeats, choice: shape.choice || least !== most, required };
}

function bounds(quantifier: string): [least: number, most: number] {
  if (quantifier[0] === '*') return [0, Infinity];
  if (quantifier[0] === '+') return [1, Infinity];
  if (quantifier[0] === '?') return [0, 1];
  const [, least, comma, most] = /^\{(\d*)(,?)(\d*)\}/.exec(quantifier)!;
  return [Number(least || 0), comma ? Number(most || Infinity) : Number(least)];
}
