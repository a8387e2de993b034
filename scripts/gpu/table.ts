/** A line of the table at the end. */
export interface Row {
  readonly what: string;
  readonly state: 'passed' | 'failed' | 'not run';
  /** Tokens a second, or another figure in words. */
  readonly figure?: number | string | undefined;
  /** Tokens a second of PEFT on the same card. */
  readonly peer?: number | undefined;
  /** MiB of the card at most: ours and PEFT's. */
  readonly mib?: number | undefined;
  readonly peerMib?: number | undefined;
  readonly expected?: string | undefined;
  /** Why it failed or was not run. */
  readonly why?: string | undefined;
}

const HEADS = ['what', 'figure', 'PEFT', 'ratio', 'MiB', "PEFT's", 'to be expected', ''];

const text = (value: number | string | undefined): string =>
  typeof value === 'number' ? Math.round(value).toLocaleString('en-US') : (value ?? '');

/** Figures, PEFT's beside them and what was to be expected, in columns. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    text(row.figure),
    text(row.peer),
    typeof row.figure === 'number' && row.peer ? (row.figure / row.peer).toFixed(2) : '',
    text(row.mib),
    text(row.peerMib),
    row.expected ?? '',
    row.why ? `${row.state}: ${row.why.slice(0, 80)}` : row.state,
  ]);
  const widths = HEADS.map((head, column) => Math.max(head.length, ...cells.map((line) => line[column]!.length)));
  const right = (column: number) => column > 0 && column < 6;
  const line = (words: readonly string[]) =>
    words
      .map((word, column) => (right(column) ? word.padStart(widths[column]!) : word.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [line(HEADS), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}
