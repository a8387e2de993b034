import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { dataError } from '../core/errors.js';
import { shownName } from '../core/shown.js';
import { saveAsUtf8 } from './file-kinds.js';
import type { FileRow } from './file-row.js';

const DELIMITERS = [',', ';', '\t', '|'];

/** A line of cells, and the line that it ends in. */
interface Cells {
  readonly record: readonly string[];
  readonly info: { readonly lines: number; readonly bytes: number };
}

/**
 * Rows of a table with a line of names: separated by commas, semicolons, tabs or bars (whichever the first line has most of), quoted
 * or not, in UTF-8. Each is an object of texts by the names of the columns, a column without a name under its number. A row with fewer cells has the last ones
 * empty, blank rows are left out; one with more is a row with an error. Data errors name the line: a quote without end, no names, a
 * name that comes twice.
 */
export async function* tableRows(
  path: string,
  chunks: AsyncIterable<Buffer>,
  maxRowBytes: number,
): AsyncGenerator<FileRow> {
  let columns: string[] | undefined;
  let before = 0;
  for await (const { record, info } of cellsOf(path, chunks, maxRowBytes)) {
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
  while (!/[\r\n]/.test(start) && start.length <= maxRowBytes) {
    const { value, done } = await texts.next();
    if (done) break;
    start += value;
  }
  const { delimiter, columns } = separatorIn(start);
  const parser = parse({
    bom: true,
    delimiter,
    relax_column_count: true,
    info: true,
    max_record_size: maxRowBytes,
  });
  const source = Readable.from(
    (async function* () {
      if (start !== '') yield start;
      yield* texts;
    })(),
  );
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const cells of parser as AsyncIterable<Cells>) yield cells;
  } catch (cause) {
    if (!(cause as { code?: string }).code?.startsWith('CSV_')) throw cause;
    const what = (cause as Error).message;
    if (columns > 1) throw dataError(`${path}: broken table: ${what}`, { file: path }, cause);
    const begins = shownName(JSON.stringify(start.slice(0, 40)));
    throw dataError(
      `${path}: expected JSON, JSON Lines, Parquet or a table with the names of its columns in the first line; found text that begins with ${begins}, and as a table it is broken: ${what}`,
      { file: path },
      cause,
    );
  } finally {
    source.destroy();
    parser.destroy();
  }
}

/** The separator that the first line has most of, outside of quotes, and the columns that it makes. */
function separatorIn(text: string): { delimiter: string; columns: number } {
  const first = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text.slice(0, 1 << 16))![0].replace(/"(?:[^"]|"")*"/g, '');
  const times = (mark: string) => first.split(mark).length;
  const delimiter = DELIMITERS.reduce((best, mark) => (times(mark) > times(best) ? mark : best));
  return { delimiter, columns: times(delimiter) };
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
      const at = line + good.split('\n').length - 1;
      throw dataError(
        `${path}:${at}: expected UTF-8 text, found bytes that are not; ${saveAsUtf8(path)}`,
        { file: path, line: at },
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
