import { escapeControls, escapeKeepingLayout } from '../core/escape.js';
import { jsonText } from '../core/json-text.js';
import { hide } from './redact.js';
import { type OutputStream, type Sink, type StreamState, sinkOf } from './sink.js';

/** Text in a style: `sgr` are the numbers of a terminal's "select graphic rendition", such as 2 for dim. */
export interface Span {
  readonly text: string;
  readonly sgr: readonly number[];
}

/** A text, or its parts with styles, which are shown where there is colour. */
export type Styled = string | readonly (string | Span)[];

/**
 * Everything that is printed goes through here, and nowhere else: secrets are hidden, and whatever
 * a text brings along that a terminal would obey is written out (see `core/escape.ts`). Colours and
 * the movements of the live line are put to it afterwards.
 */
export interface Terminal {
  /** True when a live line can be shown. */
  readonly live: boolean;
  /** True where standard output shows colours. */
  readonly color: boolean;
  /** Width of standard output in characters, where it has one. */
  readonly columns: number | undefined;
  /** Writes a line to standard error, above the live one. */
  write(line: string): void;
  /** Writes text of several lines to standard error. */
  writeText(text: string): void;
  /** Writes a question to standard error, to be answered on the same line. */
  ask(question: string): void;
  /** Shows or replaces the live line, cut to the terminal's width; nothing takes it away. */
  show(text?: string): void;
  /** Writes a line to standard output. */
  print(line: Styled): void;
  /** Writes text to standard output, with the line breaks and tabs that it has. */
  printText(text: Styled): void;
  /** As {@link Terminal.printText} on a terminal; elsewhere, in a file or a pipe, the text stays as it is. */
  printData(text: string): void;
  /** Writes a value to standard output as one line of JSON; as JSON it stays the same value. */
  printJson(value: unknown): void;
  /** State of both streams. */
  readonly out: StreamState;
  readonly err: StreamState;
}

/** Where a terminal writes to. */
export interface TerminalStreams {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Whether a terminal may get colours; default true. */
  readonly colors?: boolean;
}

const CLEAR_LINE = '\r\u001b[2K';

/** The process's own streams. */
export const processTerminal = (): Terminal =>
  openTerminal({ stdout: process.stdout, stderr: process.stderr, colors: !process.env.NO_COLOR });

/** See {@link Terminal}. A standard error that is no terminal gets the lines only. */
export function openTerminal({ stdout, stderr, colors = true }: TerminalStreams): Terminal {
  const [out, err] = [sinkOf(stdout), sinkOf(stderr)];
  const live = stderr.isTTY === true;
  const color = colors && stdout.isTTY === true;
  let shown: string | undefined;
  const clear = () => shown !== undefined && err.write(CLEAR_LINE);
  const draw = () => shown !== undefined && err.write(shown);
  /** Writes with the live line out of its way. */
  const put = (sink: Sink, text: string) => {
    clear();
    sink.write(text);
    draw();
  };
  return {
    live,
    color,
    columns: stdout.columns,
    out,
    err,
    write: (line) => put(err, `${escapeControls(hide(line))}\n`),
    writeText: (text) => put(err, `${escapeKeepingLayout(hide(text))}\n`),
    ask: (question) => put(err, escapeControls(hide(question))),
    print: (line) => put(out, `${render(line, escapeControls, color)}\n`),
    printText: (text) => put(out, `${render(text, escapeKeepingLayout, color)}\n`),
    printData: (text) => put(out, `${stdout.isTTY ? escapeKeepingLayout(hide(text)) : hide(text)}\n`),
    printJson: (value) => put(out, `${escapeControls(jsonText(hide(value)))}\n`),
    show: (text) => {
      if (!live) return;
      clear();
      shown = text === undefined ? undefined : cut(escapeControls(hide(text)), (stderr.columns ?? 80) - 1);
      draw();
    },
  };
}

/** By whole characters, and never to nothing. */
const cut = (text: string, width: number): string =>
  text.length <= width ? text : [...text].slice(0, Math.max(20, width)).join('');

function render(text: Styled, written: (text: string) => string, color: boolean): string {
  if (typeof text === 'string') return written(hide(text));
  return text
    .map((part) => {
      if (typeof part === 'string') return written(hide(part));
      const safe = written(hide(part.text));
      // Style ends with the line, or a pager's view of the rest has it.
      return color ? safe.replace(/[^\n]+/g, (line) => `\u001b[${part.sgr.join(';')}m${line}\u001b[0m`) : safe;
    })
    .join('');
}
