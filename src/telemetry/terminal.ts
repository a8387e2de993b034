/** The part of an output stream that is used here. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Lines of talk with, on a terminal, one live line below them. */
export interface Terminal {
  /** True when a live line can be shown. */
  readonly live: boolean;
  /** Writes a line above the live one. */
  write(line: string): void;
  /** Shows or replaces the live line, cut to the terminal's width; nothing takes it away. */
  show(text?: string): void;
  /** Runs something that writes to the terminal by itself, with the live line out of its way. */
  aside(work: () => void): void;
}

const CLEAR_LINE = '\r\u001b[2K';

/** A terminal on a stream; see {@link Terminal}. A stream that is no terminal gets the lines only. */
export function openTerminal(stream: TextStream): Terminal {
  const live = stream.isTTY === true;
  let shown: string | undefined;
  const clear = () => shown !== undefined && stream.write(CLEAR_LINE);
  const draw = () => shown !== undefined && stream.write(shown);
  const aside = (work: () => void) => {
    clear();
    work();
    draw();
  };
  return {
    live,
    aside,
    write: (line) => aside(() => stream.write(`${line}\n`)),
    show: (text) => {
      if (!live) return;
      clear();
      shown = text?.slice(0, Math.max(20, (stream.columns ?? 80) - 1));
      draw();
    },
  };
}
