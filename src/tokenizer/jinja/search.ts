import { type Budget, SLICE } from './budget.js';
import { createBuilder } from './builder.js';
import { fail } from './errors.js';
import { characters, isSpace, slice, type Text } from './text.js';

/** Python's `str.replace`. */
export function replace(of: Text, old: string, to: Text, count: number, budget: Budget): Text {
  const most = count < 0 ? Number.POSITIVE_INFINITY : count;
  const { put, done } = createBuilder(budget);
  if (old === '') {
    budget.size(of.text.length + Math.min(most, of.text.length) * to.text.length);
    budget.spend(SLICE * of.text.length);
    let i = 0;
    if (most > 0) put(to);
    for (const character of characters(of)) {
      put(character);
      if (++i < most) put(to);
    }
    return done();
  }
  let from = 0;
  let at = most > 0 ? of.text.indexOf(old) : -1;
  if (at < 0) return of;
  for (let count = 1; at >= 0; count++) {
    put(slice(of, from, at));
    put(to);
    from = at + old.length;
    at = count < most ? of.text.indexOf(old, from) : -1;
  }
  put(slice(of, from));
  return done();
}

/** Python's `str.split` and `str.rsplit`; without a separator at white space. */
export function split(of: Text, separator: string | undefined, most: number, fromRight: boolean): Text[] {
  const limit = most < 0 ? Number.POSITIVE_INFINITY : most;
  if (separator === undefined) return splitBlank(of, limit, fromRight);
  if (separator === '') fail('empty separator');
  const { text } = of;
  const cuts: number[] = [];
  if (fromRight) {
    for (let end = text.length; cuts.length < limit && end >= separator.length; ) {
      const at = text.lastIndexOf(separator, end - separator.length);
      if (at < 0) break;
      cuts.unshift(at);
      end = at;
    }
  } else
    for (
      let at = text.indexOf(separator);
      at >= 0 && cuts.length < limit;
      at = text.indexOf(separator, at + separator.length)
    )
      cuts.push(at);
  const parts: Text[] = [];
  let from = 0;
  for (const at of cuts) {
    parts.push(slice(of, from, at));
    from = at + separator.length;
  }
  return [...parts, slice(of, from)];
}

function splitBlank(of: Text, limit: number, fromRight: boolean): Text[] {
  const { text } = of;
  const words: [number, number][] = [];
  for (let i = 0; i < text.length; ) {
    if (isSpace(text[i]!)) i++;
    else {
      let end = i;
      while (end < text.length && !isSpace(text[end]!)) end++;
      words.push([i, end]);
      i = end;
    }
  }
  // The words beyond the limit stay together, with the white space between them and on their far side.
  if (words.length > limit && fromRight) {
    const near = words[words.length - 1 - limit]![1];
    words.splice(0, words.length - limit, [0, near]);
  } else if (words.length > limit) {
    const near = words[limit]![0];
    words.splice(limit, words.length - limit, [near, text.length]);
  }
  return words.map(([start, end]) => slice(of, start, end));
}

const LINE_ENDS = /\r\n|[\p{Cc}\u2028\u2029]/gu;

/** Python's `str.splitlines`: tabs and other control characters end no line, but U+001C to U+001E and U+0085 do. */
export function splitLines(of: Text, keepEnds: boolean): Text[] {
  const lines: Text[] = [];
  let from = 0;
  for (const { 0: end, index } of of.text.matchAll(LINE_ENDS)) {
    const code = end.charCodeAt(0);
    if (code < 10 || (code > 13 && code < 0x1c) || code === 0x1f || (code > 0x7e && code !== 0x85 && code < 0x2000))
      continue;
    lines.push(slice(of, from, keepEnds ? index + end.length : index));
    from = index + end.length;
  }
  if (from < of.text.length) lines.push(slice(of, from));
  return lines;
}
