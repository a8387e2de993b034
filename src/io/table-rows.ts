import { Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { dataError } from '../core/errors.js';
import { shownName } from '../core/shown.js';
import { saveAsUtf8 } from './file-kinds.js';
import type { FileRow } from './file-row.js';

const NOT_CLOSED = 'CSV_QUOTE_NOT_CLOSED';

const DELIMITERS = [',', ';', '\t', '|'];

/** A line of cells, and the line that it ends in. */
interface Cells {
  readonly record: readonly string[];
  readonly info: { readonly lines: number; readonly bytes: number };
  /** Why there are none. */
  readonly problem?: string;
}

/**
 * Rows of a table with a line of names: separated by commas, semicolons, tabs or bars (whichever
 * the first line has most of), quoted or not, in UTF-8. Each is an object of texts by the names of
 * the columns, a column without a name under its number. A row with fewer cells has the last ones
 * empty, blank rows are left out; one with more is a row with an error. Data errors name the line:
 * a quote without end, no names, a name that comes twice.
 */
export async function* tableRows(
  path: string,
  chunks: AsyncIterable<Buffer>,
  maxRowBytes: number,
): AsyncGenerator<FileRow> {
  let columns: string[] | undefined;
  let before = 0;
  for await (const { record, info, problem } of cellsOf(path, chunks, maxRowBytes)) {
    if (problem !== undefined && columns) {
      const error = dataError(problem, { file: path, line: info.lines });
      yield { place: `${path}:${info.lines}`, value: undefined, bytes: 0, error, columns };
      continue;
    }
    const bytes = info.bytes - before;
    before = info.bytes;
    if (!columns) {
      columns = columnsOf(record, path);
      continue;
    }
    const place = `${path}:${info.lines}`;
    const cells = record.slice(0, columns.length);
    if (record.slice(columns.length).some((cell) => cell.trim() !== '')) {
      const error = dataError(
        `${place}: expected ${columns.length} cells, as the first line has, found ${record.length}; put quotes around a text with separators in it`,
        { file: path, line: info.lines },
      );
      yield { place, value: undefined, bytes, error, columns };
    } else if (cells.some((cell) => cell.trim() !== ''))
      yield { place, value: Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? ''])), bytes, columns };
  }
}

function columnsOf(head: readonly string[], path: string): string[] {
  const columns = head.map((name) => name.trim());
  if (columns.every((name) => name === ''))
    throw dataError(`${path}: expected a first line with the names of the columns, found none`, { file: path });
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) < i);
  if (twice !== undefined)
    throw dataError(`${path}:1: the column ${shownName(twice)} is there twice; rename one of them`, { file: path });
  if (columns.includes('__proto__'))
    throw dataError(`${path}:1: the column "__proto__" is not allowed; rename or remove it`, { file: path });
  return columns.map((name, i) => name || `column ${i + 1}`);
}

async function* cellsOf(path: string, chunks: AsyncIterable<Buffer>, maxRowBytes: number): AsyncGenerator<Cells> {
  const texts = decoded(path, chunks);
  let start = '';
  while (!/[\r\n]./s.test(start) && start.length <= maxRowBytes) {
    const { value, done } = await texts.next();
    if (done) break;
    start += value;
  }
  const { delimiter, names, hint } = firstLine(start);
  if (names.length === 1 && !/^"?\w+"?$/.test(names[0]!.trim())) throw noTable(path, start);
  const problems: CsvError[] = [];
  const parser = parse({
    bom: true,
    delimiter,
    relax_column_count: true,
    relax_quotes: true,
    info: true,
    max_record_size: maxRowBytes,
    ...(hint && { from_line: 2 }),
    // Raised below: an error of the parser would take the rows along that were not yet handed out.
    skip_records_with_error: true,
    on_skip: (error) => void (error && problems.push(error)),
  });
  const source = Readable.from(again(start, texts));
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  let line = 0;
  try {
    for await (const cells of parser as AsyncIterable<Cells>) {
      const broken = problems.find(({ code }) => code !== NOT_CLOSED);
      if (broken) throw brokenTable(path, broken);
      line = cells.info.lines;
      yield cells;
    }
  } finally {
    source.destroy();
    parser.destroy();
  }
  const [problem] = problems;
  if (!problem) return;
  const { lines } = problem as unknown as { lines?: number };
  // A quote that was opened in the last line swallows nothing but the rest of it.
  if (problem.code !== NOT_CLOSED || lines === undefined || line === 0 || lines > line + 1)
    throw brokenTable(path, problem);
  yield { record: [], info: { lines: line + 1, bytes: 0 }, problem: `${path}:${line + 1}: a quoted text does not end` };
}

async function* again(start: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  if (start !== '') yield start;
  yield* rest;
}

const brokenTable = (path: string, { message }: CsvError) =>
  dataError(`${path}: broken table: ${message}; put quotes around a text with quotes in it, and double those`, {
    file: path,
  });

const noTable = (path: string, start: string) =>
  dataError(
    `${path}: expected JSON, JSON Lines, Parquet or a table with the names of its columns in the first line; found text that begins with ${shownName(JSON.stringify(start.slice(0, 40)))}`,
    { file: path },
  );

/**
 * The separator that the first line has most of, outside of quotes, and the names that it
 * separates; a line `sep=;` before them says which one it is.
 */
function firstLine(text: string): { delimiter: string; names: string[]; hint: boolean } {
  const [hint, said] = /^"?sep=(.)"?\r?\n/.exec(text) ?? [];
  const rest = text.slice(hint?.length ?? 0, 1 << 16);
  const line = /^(?:"(?:[^"]|"")*"|[^"\r\n]|")*/.exec(rest)![0];
  const bare = line.replace(/"(?:[^"]|"")*"/g, (quoted) => 'x'.repeat(Math.min(2, quoted.length)));
  const times = (mark: string) => bare.split(mark).length;
  const delimiter = said ?? DELIMITERS.reduce((best, mark) => (times(mark) > times(best) ? mark : best));
  return { delimiter, names: times(delimiter) === 1 ? [line] : bare.split(delimiter), hint: hint !== undefined };
}

/** Strict UTF-8. The error names the line. */
async function* decoded(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  const decode = (bytes?: Uint8Array) => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch (cause) {
      const good = bytes ? new TextDecoder().decode(bytes).split('\ufffd')[0]! : '';
      const lastGoodLine = line + good.split('\n').length - 1;
      throw dataError(
        `${path}:${lastGoodLine}: expected UTF-8 text, found bytes that are not; ${saveAsUtf8(path)}`,
        { file: path, line: lastGoodLine },
        cause,
      );
    }
  };
  for await (const chunk of chunks) {
    yield decode(chunk);
    for (const byte of chunk) if (byte === 10) line++;
  }
  yield decode();
}
