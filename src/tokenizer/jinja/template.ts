import { createBudget } from './budget.js';
import { refuse, withLine } from './errors.js';
import { enter, type Frame, type Rendering } from './evaluate.js';
import { execute, type Output } from './execute.js';
import { createGlobals, REFUSED_GLOBALS } from './globals.js';
import { resolve } from './resolve.js';
import { parse } from './statements.js';
import type { Mark, Text } from './text.js';
import { addMark, pointLength, unitOffset } from './text.js';
import type { Value } from './values.js';

/** What a rendering gives: text, where it comes from, and what generation blocks wrote. UTF-16 offsets. */
export interface Rendered {
  readonly text: string;
  readonly marks: readonly Mark[];
  readonly generated: readonly { readonly start: number; readonly end: number }[];
}

/** What a rendering is given. `turns` and `characters` say how large the conversation is, which bounds the work. */
export interface RenderInput {
  readonly variables: ReadonlyMap<string, Value>;
  readonly turns: number;
  readonly characters: number;
  readonly now?: Date;
}

/** A template that was read. */
export interface Template {
  readonly usesClock: boolean;
  render(input: RenderInput): Rendered;
}

/**
 * Reads a template of Jinja2 as transformers sets it up for chats. It prints what Jinja2 prints, or
 * throws a `TemplateError`: where Jinja2 gives an error too, or where it uses what is not supported
 * here, which the message names.
 */
export function compileTemplate(source: string): Template {
  const body = parse(source);
  const { loads, facts } = resolve(body);
  return {
    ...facts,
    render({ variables, turns, characters, now }) {
      const budget = createBudget(turns, characters);
      const globals = createGlobals(budget, () => now ?? new Date());
      const variable = (name: string): Value | undefined => {
        const value = variables.get(name);
        if (value !== undefined) return value;
        if (REFUSED_GLOBALS.includes(name)) refuse(`the function "${name}"`);
        return globals.get(name);
      };
      const run: Rendering = { budget, variable, line: 1, calls: 0 };
      const out: Output = { parts: [] };
      const frame: Frame = { slots: new Map(), depth: 0 };
      const generated = trackGeneration(out);
      try {
        enter(loads, frame, run);
        execute(body, { frame, run, out, generation: generated.note });
      } catch (error) {
        throw withLine(error, run.line);
      }
      return assemble(out.parts, generated.spans);
    },
  };
}

/**
 * Notes generation blocks as transformers does: from what the template itself had written so far,
 * as long as the block's text, in code points. (In a macro or a set block that is not where the
 * text stands; transformers' masks have the same places.)
 */
function trackGeneration(out: Output) {
  const spans: { start: number; end: number }[] = [];
  let counted = 0;
  let points = 0;
  return {
    spans,
    note(written: Text): undefined {
      for (; counted < out.parts.length; counted++) points += pointLength(out.parts[counted]!.text);
      spans.push({ start: points, end: points + pointLength(written.text) });
    },
  };
}

function assemble(parts: readonly Text[], spans: readonly { start: number; end: number }[]): Rendered {
  const marks: Mark[] = [];
  let offset = 0;
  for (const part of parts) {
    for (const mark of part.marks) addMark(marks, mark, offset);
    offset += part.text.length;
  }
  const text = parts.map((part) => part.text).join('');
  const generated = spans.map(({ start, end }) => ({ start: unitOffset(text, start), end: unitOffset(text, end) }));
  return { text, marks, generated };
}
