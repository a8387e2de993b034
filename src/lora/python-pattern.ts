/** Letters after a backslash that mean the same in Python's `re` and in JavaScript. */
const SAME = new Set('bBdDsSwWnrtfvxu0123456789');

/** Characters that JavaScript wants a backslash before, outside a class and inside one. */
const SYNTAX = new Set('^$\\.*+?()[]{}|/');

/** Groups that are written alike in both. */
const GROUPS = /^\?(?::|=|!|<=|<!)/;

const unknown = (what: string) => new SyntaxError(`${what} is not supported here`);

/**
 * A pattern of Python's `re`, as a JavaScript one that matches whole texts, as `re.fullmatch` does.
 * Throws a SyntaxError, in plain words, for what JavaScript has not, and where it is no pattern.
 */
export function pythonPattern(pattern: string): RegExp {
  const { flags, rest } = globalFlags(pattern);
  let source = '';
  for (let position = 0; position < rest.length; ) {
    const [text, length] = nextPart(rest, position);
    source += text;
    position += length;
  }
  return new RegExp(`^(?:${source})$`, `u${flags}`);
}

/**
 * The flags at the beginning, which hold for all of the pattern. Those about Unicode change nothing
 * in the names of modules.
 */
function globalFlags(pattern: string): { flags: string; rest: string } {
  const match = /^(?:\(\?[aimsux]+\))+/.exec(pattern);
  const letters = new Set(match?.[0].replace(/[(?)]/g, ''));
  if (letters.has('x')) throw unknown('the flag x (verbose)');
  const flags = [...'ims'].filter((flag) => letters.has(flag)).join('');
  return { flags, rest: pattern.slice(match?.[0].length ?? 0) };
}

/** What stands at a place of a Python pattern, in JavaScript, and how many characters it takes there. */
function nextPart(pattern: string, position: number): readonly [text: string, length: number] {
  const left = pattern.slice(position);
  const [first] = left;
  if (first === '\\') return escaped(left, false);
  if (first === '[') return characterClass(left);
  if (first === '(') return groupStart(left);
  if (first === '{') {
    const count = /^\{(\d*)(,?)(\d*)\}/.exec(left);
    if (!count || (count[1] === '' && count[3] === '')) return ['\\{', 1];
    return [`{${count[1] || '0'}${count[2]}${count[3]}}`, count[0].length];
  }
  if (first === '}' || first === ']' || first === '/') return [`\\${first}`, 1];
  if (/^[*+?]\+/.test(left)) throw unknown(`the possessive ${left.slice(0, 2)}`);
  return [first!, 1];
}

function groupStart(left: string): readonly [string, number] {
  const inner = left.slice(1);
  if (!inner.startsWith('?')) return ['(', 1];
  if (inner.startsWith('?P<')) return ['(?<', 4];
  const same = GROUPS.exec(inner);
  if (same) return [`(${same[0]}`, 1 + same[0].length];
  const named = /^\(\?P=(\w+)\)/.exec(left);
  if (named) return [`\\k<${named[1]}>`, named[0].length];
  const comment = /^\(\?#[^)]*\)/.exec(left);
  if (comment) return ['', comment[0].length];
  throw unknown(left.slice(0, 5));
}

/** `left` begins with a backslash. */
function escaped(left: string, inClass: boolean): readonly [string, number] {
  const letter = left[1];
  if (letter === undefined) throw new SyntaxError('it ends with a backslash');
  if (letter === 'A' && !inClass) return ['(?<![^])', 2];
  if (letter === 'Z' && !inClass) return ['(?![^])', 2];
  if (SAME.has(letter)) return [left.slice(0, 2), 2];
  if (/[a-zA-Z]/.test(letter)) throw unknown(`\\${letter}`);
  // Any other character may have a backslash in Python; JavaScript takes it only before one that has a meaning.
  return [SYNTAX.has(letter) || (inClass && letter === '-') ? `\\${letter}` : letter, 2];
}

/** `left` begins with a bracket. A closing one that comes first is a character. */
function characterClass(left: string): readonly [string, number] {
  let position = left[1] === '^' ? 2 : 1;
  let source = left.slice(0, position);
  const begin = position;
  while (position < left.length && (left[position] !== ']' || position === begin)) {
    const [text, length] =
      left[position] === '\\' ? escaped(left.slice(position), true) : [escapeInClass(left[position]!), 1];
    source += text;
    position += length;
  }
  if (position >= left.length) throw new SyntaxError('a [ is not closed');
  return [`${source}]`, position + 1];
}

const escapeInClass = (character: string): string =>
  character === '[' || character === ']' ? `\\${character}` : character;
