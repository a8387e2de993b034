import { jsonIn } from './error-body.js';

/** What a body holds: one value, the values of a stream's events, or those of lines. */
export interface Bodies {
  readonly values: readonly unknown[];
  /** A part of it is no JSON: it was cut, or it is something else. */
  readonly broken: boolean;
}

/** Reads a body whatever type it claims to have: JSON, a stream of events, JSON in lines. */
export function bodiesIn(text: string): Bodies {
  if (/^\s*(?:data|event|id|retry)?:/.test(text)) return of(eventsOf(text));
  const whole = jsonIn(text);
  if (whole !== undefined) return of([whole]);
  const lines = linesOf(text).filter((line) => line.trim() !== '');
  return lines.length > 1 && lines.every((line) => /^\s*\{/.test(line)) ? of(lines.map(jsonIn)) : of([undefined]);
}

const of = (values: readonly unknown[]): Bodies => ({
  values: values.filter((value) => value !== undefined),
  broken: values.length === 0 || values.includes(undefined),
});

const linesOf = (text: string) => text.split(/\r\n|\n|\r/);

/** The values of a stream's events, the last of which ("[DONE]") is none; undefined for one that is broken. */
function eventsOf(text: string): unknown[] {
  const values: unknown[] = [];
  let data: string[] = [];
  const end = () => {
    const whole = jsonIn(data.join('\n'));
    // Some put no empty line between events.
    if (data.length > 0) values.push(...(whole === undefined && data.length > 1 ? data.map(jsonIn) : [whole]));
    data = [];
  };
  for (const line of linesOf(text)) {
    const [, given] = /^data: ?(.*)$/.exec(line) ?? [];
    if (given !== undefined && given.trim() !== '' && given.trim() !== '[DONE]') data.push(given);
    if (line === '') end();
  }
  end();
  return values;
}
