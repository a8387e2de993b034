import { dataError, type PhasetuneError } from '../core/errors.js';

/** A kind of file that people hand over as rows and that is not read: how it begins, what it is, how to convert it. */
interface ForeignKind {
  readonly begins: string | readonly string[] | RegExp;
  /** Byte at which `begins` stands [0]. */
  readonly at?: number;
  /** Set where a text could begin so; then zero bytes must be there too. */
  readonly zeros?: true;
  /** What must be among the first bytes as well. */
  readonly holds?: RegExp;
  readonly name: string;
  /** What to do, with FILE for the path. */
  readonly convert: string;
}

const PANDAS = (read: string) =>
  `convert it in Python: pandas.${read}("FILE").to_json("rows.jsonl", orient="records", lines=True)`;
const UNPACK = (command: string) => `decompress it: ${command}`;
const SHEET = 'save the sheet as CSV (UTF-8) in the spreadsheet program';
const TRUST = 'it can run any code when it is opened. If you trust where it is from, ';
const DATASET = 'convert it in Python: datasets.Dataset.from_file("FILE").to_json("rows.jsonl")';
const NO_ROWS = 'expected rows of instructions and answers';

/** The first bytes are compared as Latin-1 text; the first kind that fits is taken. */
const KINDS: readonly ForeignKind[] = [
  { begins: '\xfd7zXZ\0', name: 'compressed with xz', convert: UNPACK('xz -dk FILE') },
  { begins: /^BZh[1-9]/, name: 'compressed with bzip2', convert: UNPACK('bzip2 -dk FILE') },
  { begins: '\x04"M\x18', name: 'compressed with lz4', convert: UNPACK('lz4 -d FILE') },
  {
    begins: '\xff\x06\0\0sNaPpY',
    name: 'compressed with Snappy',
    convert: UNPACK('python -m snappy -d FILE rows.jsonl'),
  },
  { begins: ']\0\0', name: 'compressed with lzma', convert: UNPACK('xz -dk --format=lzma FILE') },
  { begins: ['\x1f\x9d', '\x1f\xa0'], name: 'compressed with compress', convert: UNPACK('uncompress FILE') },
  { begins: '7z\xbc\xaf\x27\x1c', name: 'a 7z archive', convert: UNPACK('7z x FILE') },
  { begins: 'Rar!\x1a\x07', name: 'a RAR archive', convert: UNPACK('unrar x FILE') },
  { begins: 'PK\x03\x04', holds: /\[Content_Types\]\.xml|xl\/|_rels\//, name: 'an Excel workbook', convert: SHEET },
  { begins: 'PK\x03\x04', holds: /opendocument\.spreadsheet/, name: 'an OpenDocument sheet', convert: SHEET },
  { begins: ['PK\x03\x04', 'PK\x05\x06'], name: 'a zip archive', convert: UNPACK('unzip FILE') },
  { begins: 'ustar', at: 257, zeros: true, name: 'a tar archive', convert: UNPACK('tar -xf FILE') },
  { begins: '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', name: 'an Excel workbook (.xls)', convert: SHEET },
  { begins: 'ARROW1', zeros: true, name: 'an Arrow (Feather) file', convert: PANDAS('read_feather') },
  { begins: 'FEA1', zeros: true, name: 'a Feather file', convert: PANDAS('read_feather') },
  { begins: '\xff\xff\xff\xff', name: 'an Arrow stream', convert: DATASET },
  {
    begins: 'PARE',
    zeros: true,
    name: 'an encrypted Parquet file',
    convert: 'decrypt it where its key is, and write it again as plain Parquet',
  },
  { begins: 'ORC', zeros: true, name: 'an ORC file', convert: PANDAS('read_orc') },
  { begins: 'Obj\x01', name: 'an Avro file', convert: 'convert it: avro-tools tojson FILE > rows.jsonl' },
  { begins: '\x89HDF\r\n', name: 'an HDF5 file', convert: PANDAS('read_hdf') },
  {
    begins: 'SQLite format 3\0',
    name: 'an SQLite database',
    convert: 'write its table as JSON: sqlite3 -json FILE "select * from TABLE" > rows.json',
  },
  {
    begins: 'DUCK',
    zeros: true,
    at: 8,
    name: 'a DuckDB database',
    convert: `write its table as JSON: duckdb FILE "copy TABLE to 'rows.jsonl' (format json)"`,
  },
  {
    begins: '\x93NUMPY',
    name: 'a NumPy array',
    convert: 'write its rows as JSON Lines in Python',
  },
  {
    begins: ['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'],
    name: 'a Python pickle',
    convert: `${TRUST}${PANDAS('read_pickle')}`,
  },
  { begins: '%PDF', name: 'a PDF document', convert: NO_ROWS },
  { begins: '{\\rtf', name: 'a document in Rich Text Format', convert: 'save it as plain text' },
  { begins: 'GGUF', zeros: true, name: 'a GGUF model', convert: NO_ROWS },
  { begins: '\0\0{"', at: 6, name: 'a safetensors file', convert: NO_ROWS },
  {
    begins: ['\x89PNG', '\xff\xd8\xff', 'GIF8', 'RIFF'],
    zeros: true,
    name: 'a picture or a recording',
    convert: NO_ROWS,
  },
  { begins: '\x7fELF', name: 'a program', convert: NO_ROWS },
  {
    begins: 'version https://git-lfs.github.com/',
    name: 'a Git LFS pointer, not the file itself',
    convert: 'fetch it: git lfs pull',
  },
  {
    begins: /^\s*<(?:!doctype html|html|head|body)/i,
    name: 'an HTML page (an error page of the server, or a log-in?)',
    convert: 'download the file itself again',
  },
  { begins: /^\s*<(?:\?xml|[a-z])/i, name: 'XML', convert: PANDAS('read_xml') },
  {
    begins: /^(?:---\s|- \w+:)/,
    name: 'YAML',
    convert: 'convert it in Python: json.dump(yaml.safe_load(open("FILE")), open("rows.json", "w"))',
  },
  { begins: '-----BEGIN ', name: 'an encrypted or signed text', convert: 'decrypt it first' },
  { begins: 'Salted__', name: 'an encrypted file', convert: 'decrypt it first' },
  { begins: '\xff\xfe\0\0', name: 'text in UTF-32', convert: 'convert it: iconv -f UTF-32 -t UTF-8 FILE > rows.jsonl' },
  { begins: '\0\0\xfe\xff', name: 'text in UTF-32', convert: 'convert it: iconv -f UTF-32 -t UTF-8 FILE > rows.jsonl' },
];

/** First bytes by which a kind is recognised. */
export const HEAD_BYTES = 4096;

/**
 * The refusal of a file that is not text and not Parquet, by its first bytes: what it is, and how
 * to convert it; undefined for all else. `packing` is how the file itself is packed, where these
 * bytes are what came out.
 */
export function foreignRows(path: string, head: Uint8Array, packing?: string): PhasetuneError | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString('latin1');
  const kind = KINDS.find((kind) => isKind(kind, text)) ?? binaryKind(text);
  if (!kind) return undefined;
  const inside = packing === undefined ? '' : `compressed with ${packing}, and inside it `;
  return dataError(
    `${path}: it is ${inside}${kind.name}, which is not supported; ${kind.convert.replaceAll('FILE', path)}`,
    {
      file: path,
    },
  );
}

function isKind({ begins, at = 0, zeros, holds }: ForeignKind, text: string): boolean {
  if (zeros && !text.includes('\0')) return false;
  if (holds && !holds.test(text)) return false;
  if (begins instanceof RegExp) return begins.test(text);
  return [begins].flat().some((start) => text.startsWith(start, at));
}

/** Text has no control characters to speak of, except in JSON that was damaged, whose line is named when it is read. */
function binaryKind(text: string): Pick<ForeignKind, 'name' | 'convert'> | undefined {
  const zeroAt = (odd: number) => [0, 2, 4].every((i) => text[i + odd] === '\0' && text[i + 1 - odd]! >= '\t');
  for (const [odd, encoding] of ['UTF-16BE', 'UTF-16LE'].entries())
    if (zeroAt(odd))
      return {
        name: 'text in UTF-16 without a byte order mark',
        convert: `convert it: iconv -f ${encoding} -t UTF-8 FILE > rows.jsonl`,
      };
  if (/^\s*[[{]/.test(text)) return undefined;
  const line = text.split('\n', 1)[0]!.slice(0, 1024);
  const controls = line.replace(/[^\p{Cc}]|[\t\n\r\u0080-\u009f]/gu, '').length;
  if (controls <= 0.02 * line.length) return undefined;
  return {
    name: 'a binary file of a kind that is not known',
    convert: 'expected JSON, JSON Lines, a table (CSV), or Parquet',
  };
}

/** What to do about bytes that are not UTF-8. */
export const saveAsUtf8 = (path: string): string =>
  `save it as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 ${path} > rows-utf8`;
