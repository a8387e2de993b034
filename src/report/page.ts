/** A cell of a table: text, or text with the value that it is sorted by. */
export type PageCell = string | { readonly text: string; readonly value: number | null };

/** A picture with what it shows in words and in numbers. */
export interface Figure {
  /** Unique on the page; letters, digits and `-`. */
  readonly id: string;
  /** What is to be seen, in a sentence of plain text. */
  readonly caption: string;
  /** An `<svg>` element that takes its colours from the page, see `plots/svg.ts`. */
  readonly svg: string;
  /** The values drawn; the first row has the names of the columns. */
  readonly table: readonly (readonly PageCell[])[];
  /** The first so many columns of the table [1] are words, the others numbers. */
  readonly left?: number;
}

/** A piece of text of a row, and what it is to the trainer. */
export interface Passage {
  readonly text: string;
  /**
   * `trained`: its loss counts. `special`: a control token, such as one of the template; `trained-special`: one
   * that is trained, such as the end of an answer. `context`: everything else.
   */
  readonly mark: 'trained' | 'special' | 'trained-special' | 'context';
}

/**
 * A part of a page. All text is plain: renderers escape it for HTML and for Markdown, and pass it through
 * `telemetry/redact.ts`.
 */
export type PageBlock =
  | { readonly kind: 'paragraph'; readonly text: string }
  /** A sentence that stands out: an answer, a warning, a failure. The tone is always said in words too. */
  | { readonly kind: 'note'; readonly tone: 'answer' | 'warning' | 'error'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  /** How far something is, from 0 to 1. */
  | { readonly kind: 'progress'; readonly label: string; readonly share: number }
  /** Names with values. */
  | { readonly kind: 'facts'; readonly facts: readonly (readonly [name: string, value: string])[] }
  /** The first row has the names of the columns; the first `left` columns [1] are words, the others numbers. */
  | {
      readonly kind: 'table';
      readonly caption?: string;
      readonly rows: readonly (readonly PageCell[])[];
      readonly left?: number;
      /** Whether a reader can sort it by its columns. */
      readonly sortable?: boolean;
    }
  /** Commands or a file, as they are. */
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'figure'; readonly figure: Figure }
  /** Figures of one kind in a grid. */
  | { readonly kind: 'panels'; readonly figures: readonly Figure[] }
  /** Texts next to each other, such as two answers to one instruction. */
  | {
      readonly kind: 'texts';
      readonly texts: readonly { readonly heading: string; readonly note?: string; readonly text: string }[];
    }
  /** A row as the trainer sees it. */
  | { readonly kind: 'passages'; readonly heading: string; readonly passages: readonly Passage[] }
  /** States in a grid, each with its word in it. */
  | {
      readonly kind: 'grid';
      readonly caption: string;
      readonly columns: readonly string[];
      readonly rows: readonly { readonly name: string; readonly cells: readonly (GridCell | null)[] }[];
    }
  /** Things with more to each, such as pairs of answers; readers can sort them by each of the keys. */
  | {
      readonly kind: 'items';
      readonly caption: string;
      /** What they can be sorted by; they come sorted by the first, the largest value first. */
      readonly keys: readonly string[];
      readonly items: readonly {
        readonly heading: string;
        /** In the order of the keys. */
        readonly values: readonly PageCell[];
        readonly blocks: readonly PageBlock[];
      }[];
    }
  /** Blocks that are folded away until they are wanted; open on paper. */
  | { readonly kind: 'details'; readonly summary: string; readonly blocks: readonly PageBlock[] };

/** A state in a grid. */
export interface GridCell {
  readonly text: string;
  /** `active`: under way. `waiting`: nothing has happened yet. `bad`: it failed. */
  readonly tone: 'good' | 'active' | 'waiting' | 'bad';
  /** More about it, such as a reason. */
  readonly note?: string;
  /** Address of a page about it, relative to this one; absent on a report. */
  readonly href?: string;
}

/** A part of a page with a heading. The same section has the same id on a report and on a live page. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly PageBlock[];
}

/** A report or a live page before it is written as HTML or Markdown: plain data. */
export interface Page {
  readonly title: string;
  /** A line below the title: what is reported. */
  readonly subtitle: string;
  readonly sections: readonly Section[];
  /** Every value as JSON in the page, for programs; absent on a live page. */
  readonly data?: unknown;
}
