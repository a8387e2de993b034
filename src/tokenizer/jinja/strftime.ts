import { refuse } from './errors.js';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const two = (value: number) => String(value).padStart(2, '0');

/** Day of the year, from 1. */
const dayOfYear = (at: Date): number =>
  Math.round(
    (Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) - Date.UTC(at.getFullYear(), 0, 1)) / 86_400_000,
  ) + 1;

const hour12 = (at: Date): number => at.getHours() % 12 || 12;

const CODES: Record<string, (at: Date) => string> = {
  Y: (at) => String(at.getFullYear()),
  y: (at) => two(at.getFullYear() % 100),
  m: (at) => two(at.getMonth() + 1),
  '-m': (at) => String(at.getMonth() + 1),
  B: (at) => MONTHS[at.getMonth()]!,
  b: (at) => MONTHS[at.getMonth()]!.slice(0, 3),
  h: (at) => MONTHS[at.getMonth()]!.slice(0, 3),
  d: (at) => two(at.getDate()),
  '-d': (at) => String(at.getDate()),
  e: (at) => String(at.getDate()).padStart(2, ' '),
  A: (at) => DAYS[at.getDay()]!,
  a: (at) => DAYS[at.getDay()]!.slice(0, 3),
  j: (at) => String(dayOfYear(at)).padStart(3, '0'),
  '-j': (at) => String(dayOfYear(at)),
  H: (at) => two(at.getHours()),
  '-H': (at) => String(at.getHours()),
  I: (at) => two(hour12(at)),
  '-I': (at) => String(hour12(at)),
  p: (at) => (at.getHours() < 12 ? 'AM' : 'PM'),
  M: (at) => two(at.getMinutes()),
  '-M': (at) => String(at.getMinutes()),
  S: (at) => two(at.getSeconds()),
  '-S': (at) => String(at.getSeconds()),
  f: (at) => String(at.getMilliseconds() * 1000).padStart(6, '0'),
  F: (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
  T: (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`,
  R: (at) => `${two(at.getHours())}:${two(at.getMinutes())}`,
  D: (at) => `${two(at.getMonth() + 1)}/${two(at.getDate())}/${two(at.getFullYear() % 100)}`,
  '%': () => '%',
};

/** A time as Python's `strftime` writes it in English, in local time. Codes that are not known here are refused. */
export function strftime(at: Date, format: string): string {
  if (at.getFullYear() < 1000 || at.getFullYear() > 9999) refuse('a year of other than four digits');
  return format.replace(/%(-?[\s\S]?)/g, (all, code: string) =>
    Object.hasOwn(CODES, code) ? CODES[code]!(at) : refuse(`the date format "${all}"`),
  );
}
