import { bind, textArgument, wholeArgument } from './arguments.js';
import { type Budget, INSPECTION, SLICE } from './budget.js';
import { createBuilder } from './builder.js';
import { fail, refuse } from './errors.js';
import { iterate } from './iterate.js';
import { capitalize, isCased, lower, TEXT_PROPERTIES, title, upper } from './letters.js';
import { equal } from './operators.js';
import { replace, split, splitLines } from './search.js';
import { pointLength, pointOffset, slice, strip, type Text } from './text.js';
import {
  type ArgumentValues,
  type Dict,
  hashKey,
  isText,
  type Kind,
  list,
  type Sequence,
  str,
  tuple,
  typeName,
  type Value,
} from './values.js';

type Method = (self: Value, args: ArgumentValues, budget: Budget) => Value;
type TextMethod = (self: Text, args: ArgumentValues, budget: Budget) => Value;

/** A method without arguments. */
const alone =
  (name: string, work: (self: Text) => Value): TextMethod =>
  (self, args) => {
    bind(name, args, []);
    return work(self);
  };

const positionalOnly = (name: string, args: ArgumentValues): ArgumentValues =>
  args.named.size > 0 ? fail(`${name}() takes no keyword arguments`) : args;

const stripping =
  (name: string, side: 'left' | 'right' | 'both'): TextMethod =>
  (self, args) => {
    const { chars } = bind(name, positionalOnly(name, args), ['chars']);
    return strip(self, side, chars === undefined || chars === null ? undefined : textArgument(name, chars).text);
  };

/** Parts of a text as a list; each counts as its own text. */
function parts(found: readonly Text[], budget: Budget): Value {
  budget.spend(SLICE * found.length);
  return list(found);
}

const splitting =
  (name: string, fromRight: boolean): TextMethod =>
  (self, args, budget) => {
    const { sep = null, maxsplit = -1 } = bind(name, args, ['sep', 'maxsplit']);
    const separator = sep === null ? undefined : textArgument(name, sep).text;
    return parts(split(self, separator, wholeArgument(name, maxsplit), fromRight), budget);
  };

/** `startswith`, `endswith`: a text or a tuple of texts. */
const testing =
  (name: string, test: (text: string, part: string) => boolean): TextMethod =>
  (self, args) => {
    const { part, start } = bind(name, positionalOnly(name, args), ['part', 'start', 'end'], 1);
    if (start !== undefined) refuse(`${name} with a place to begin`);
    const several = part !== null && typeof part === 'object' && part.kind === 'tuple' ? part.items : [part!];
    return several.some((one) => test(self.text, textArgument(name, one).text));
  };

/** `find` and the like: the place of a part, counted in characters. */
const finding =
  (name: string, last: boolean, strict: boolean): TextMethod =>
  (self, args) => {
    const { part, start } = bind(name, positionalOnly(name, args), ['part', 'start', 'end'], 1);
    if (start !== undefined) refuse(`${name} with a place to begin`);
    const wanted = textArgument(name, part!).text;
    const at = last ? self.text.lastIndexOf(wanted) : self.text.indexOf(wanted);
    if (at < 0) return strict ? fail('substring not found') : -1;
    return pointOffset(self.text, at);
  };

const cutting =
  (name: string, last: boolean): TextMethod =>
  (self, args) => {
    const { sep } = bind(name, positionalOnly(name, args), ['sep'], 1);
    const wanted = textArgument(name, sep!).text;
    if (wanted === '') fail('empty separator');
    const at = last ? self.text.lastIndexOf(wanted) : self.text.indexOf(wanted);
    if (at < 0) return tuple(last ? [str(''), str(''), self] : [self, str(''), str('')]);
    return tuple([slice(self, 0, at), slice(self, at, at + wanted.length), slice(self, at + wanted.length)]);
  };

const property =
  (name: keyof typeof TEXT_PROPERTIES): TextMethod =>
  (self, args) => {
    bind(name, args, []);
    return TEXT_PROPERTIES[name]!(self.text);
  };

function joinTexts(self: Text, args: ArgumentValues, budget: Budget): Value {
  const { items } = bind('join', positionalOnly('join', args), ['items'], 1);
  const { put, done } = createBuilder(budget);
  let first = true;
  for (const item of iterate(items!, budget)) {
    if (!isText(item)) fail(`join expects texts, found ${typeName(item)}`);
    if (!first) put(self);
    first = false;
    put(textArgument('join', item));
  }
  return done();
}

const TEXT: Record<string, TextMethod> = {
  strip: stripping('strip', 'both'),
  lstrip: stripping('lstrip', 'left'),
  rstrip: stripping('rstrip', 'right'),
  split: splitting('split', false),
  rsplit: splitting('rsplit', true),
  splitlines(self, args, budget) {
    const { keepends = false } = bind('splitlines', args, ['keepends']);
    return parts(splitLines(self, wholeArgument('splitlines', keepends) !== 0), budget);
  },
  partition: cutting('partition', false),
  rpartition: cutting('rpartition', true),
  startswith: testing('startswith', (text, part) => text.startsWith(part)),
  endswith: testing('endswith', (text, part) => text.endsWith(part)),
  find: finding('find', false, false),
  rfind: finding('rfind', true, false),
  index: finding('index', false, true),
  rindex: finding('rindex', true, true),
  count(self, args) {
    const { part, start } = bind('count', positionalOnly('count', args), ['part', 'start', 'end'], 1);
    if (start !== undefined) refuse('count with a place to begin');
    const wanted = textArgument('count', part!).text;
    return wanted === '' ? pointLength(self.text) + 1 : self.text.split(wanted).length - 1;
  },
  replace(self, args, budget) {
    const { old, new: to, count = -1 } = bind('replace', positionalOnly('replace', args), ['old', 'new', 'count'], 2);
    return replace(
      self,
      textArgument('replace', old!).text,
      textArgument('replace', to!),
      wholeArgument('replace', count),
      budget,
    );
  },
  removeprefix(self, args) {
    const { prefix } = bind('removeprefix', positionalOnly('removeprefix', args), ['prefix'], 1);
    const { text } = textArgument('removeprefix', prefix!);
    return self.text.startsWith(text) ? slice(self, text.length) : self;
  },
  removesuffix(self, args) {
    const { suffix } = bind('removesuffix', positionalOnly('removesuffix', args), ['suffix'], 1);
    const { text } = textArgument('removesuffix', suffix!);
    return self.text.endsWith(text) ? slice(self, 0, self.text.length - text.length) : self;
  },
  join: joinTexts,
  upper: alone('upper', upper),
  lower: alone('lower', lower),
  title: alone('title', title),
  capitalize: alone('capitalize', capitalize),
  isupper: alone('isupper', ({ text }) => isCased(text, 'upper')),
  islower: alone('islower', ({ text }) => isCased(text, 'lower')),
  isspace: property('isspace'),
  isdigit: property('isdigit'),
  isdecimal: property('isdecimal'),
  isnumeric: property('isnumeric'),
  isalpha: property('isalpha'),
  isalnum: property('isalnum'),
  isascii: property('isascii'),
};

function entriesOf(self: Value): Dict['entries'] {
  return (self as Dict).entries;
}

const view =
  (of: 'keys' | 'values' | 'items'): Method =>
  (self, args) => {
    bind(of, args, []);
    return { kind: 'view', of, dict: self as Dict };
  };

const DICT: Record<string, Method> = {
  keys: view('keys'),
  values: view('values'),
  items: view('items'),
  get(self, args, budget) {
    const { key, default: otherwise = null } = bind('get', positionalOnly('get', args), ['key', 'default'], 1);
    const at =
      hashKey(key!, budget) ??
      (key !== null && typeof key === 'object' && key.kind === 'undefined'
        ? ''
        : fail(`unhashable type: '${typeName(key!)}'`));
    const entry = entriesOf(self).get(at);
    return entry ? entry[1] : otherwise;
  },
  copy(self, args) {
    bind('copy', args, []);
    return { kind: 'dict', entries: entriesOf(self) };
  },
};

const SEQUENCE: Record<string, Method> = {
  index(self, args, budget) {
    const { value, start } = bind('index', positionalOnly('index', args), ['value', 'start', 'stop'], 1);
    if (start !== undefined) refuse('index with a place to begin');
    const at = (self as Sequence).items.findIndex((item) => equal(item, value!, budget));
    return at < 0 ? fail('the value is not in the list') : at;
  },
  count(self, args, budget) {
    const { value } = bind('count', positionalOnly('count', args), ['value'], 1);
    return (self as Sequence).items.filter((item) => equal(item, value!, budget)).length;
  },
};

const LIST: Record<string, Method> = {
  ...SEQUENCE,
  copy(self, args) {
    bind('copy', args, []);
    return list((self as Sequence).items);
  },
};

/** Methods that leave the looking to the engine, or look at an end only. */
const QUICK: readonly string[] = [
  ...['strip', 'lstrip', 'rstrip', 'startswith', 'endswith', 'removeprefix', 'removesuffix'],
  ...['split', 'rsplit', 'replace', 'partition', 'rpartition', 'join'],
];

/** The methods of values, by their kind. */
export const METHODS: Partial<Record<Kind, Record<string, Method>>> = {
  text: Object.fromEntries(
    Object.entries(TEXT).map(([name, method]): [string, Method] => [
      name,
      (self, args, budget) => {
        const cost = name === 'title' ? SLICE : QUICK.includes(name) ? 1 : INSPECTION;
        budget.spend(cost * (self as Text).text.length);
        return method(self as Text, args, budget);
      },
    ]),
  ),
  dict: DICT,
  list: LIST,
  tuple: SEQUENCE,
};

const NUMBERS = ['real', 'imag', 'conjugate', 'as_integer_ratio'];
const WHOLE = [
  ...NUMBERS,
  'numerator',
  'denominator',
  'bit_length',
  'bit_count',
  'to_bytes',
  'from_bytes',
  'is_integer',
];

/** Attributes that Python's types have too: refused by name instead of taken for absent. */
export const PYTHON_METHODS: Partial<Record<Kind, readonly string[]>> = {
  text: [
    'casefold',
    'center',
    'encode',
    'expandtabs',
    'format_map',
    'isidentifier',
    'isprintable',
    'istitle',
    'ljust',
    'maketrans',
    'rjust',
    'swapcase',
    'translate',
    'zfill',
  ],
  dict: ['fromkeys'],
  integer: WHOLE,
  boolean: WHOLE,
  float: [...NUMBERS, 'fromhex', 'hex', 'is_integer'],
  range: ['start', 'stop', 'step', 'index', 'count'],
  view: ['mapping', 'isdisjoint'],
};
