import { dataError } from '../../core/errors.js';
import { shortHash } from '../../core/hash.js';
import type { RawRow } from '../../data/fields.js';
import type { Annotation } from './annotations.js';
import type { ModelOutput } from './model-outputs.js';

/** A file in AlpacaEval's form, read: it has verdicts, or answers. */
export interface ForeignFile {
  readonly path: string;
  readonly sha256: string;
  readonly annotations: readonly Annotation[];
  readonly outputs: readonly ModelOutput[];
}

/** Name of the set of rows that do not name theirs. */
const UNNAMED = 'rows';
/** Characters of an id that is made of an instruction. */
const ID = 16;

/** A model's answer to a row. */
interface ForeignAnswer {
  readonly output: string;
  /** Where it stands. */
  readonly place: string;
  readonly dataset: string | undefined;
  readonly rest: RawRow;
}

/** A row that models of another program answered. */
export interface ForeignRow {
  readonly dataset: string;
  readonly id: string;
  readonly instruction: string;
  /** By model. */
  readonly answers: Map<string, ForeignAnswer>;
  readonly annotations: Annotation[];
}

/** What finds the row that an answer or a verdict is about. */
interface Finder {
  find(source: string, about: RowName): ForeignRow;
  readonly rows: readonly ForeignRow[];
}

interface RowName {
  readonly dataset?: string | undefined;
  readonly instruction: string;
  readonly id: string | undefined;
}

function finder(): Finder {
  const rows: ForeignRow[] = [];
  const byKey = new Map<string, ForeignRow>();
  const ids = new Set<string>();
  const seen = new Map<string, number>();
  const unique = (dataset: string, id: string): string => {
    let free = id;
    for (let n = 2; ids.has(JSON.stringify([dataset, free])); n++) free = `${id}-${n}`;
    ids.add(JSON.stringify([dataset, free]));
    return free;
  };
  return {
    rows,
    find(source, { dataset = UNNAMED, instruction, id }) {
      const name = JSON.stringify([source, dataset, instruction]);
      const n = seen.get(name) ?? 0;
      seen.set(name, n + 1);
      const key = JSON.stringify([dataset, instruction, n]);
      const known = byKey.get(key);
      if (known) return known;
      const row: ForeignRow = {
        dataset,
        id: unique(dataset, id ?? shortHash(instruction).slice(0, ID)),
        instruction,
        answers: new Map(),
        annotations: [],
      };
      byKey.set(key, row);
      rows.push(row);
      return row;
    },
  };
}

/** The rows of files, in the order in which they first come, with the answers to each and the verdicts about it. */
export function foreignRows(files: readonly ForeignFile[]): readonly ForeignRow[] {
  const { find, rows } = finder();
  for (const { path, annotations, outputs } of files) {
    for (const annotation of annotations) {
      const { annotator, generator1, generator2, output1, output2, dataset, instruction, own, place } = annotation;
      const row = find(JSON.stringify([annotator, generator1, generator2]), { dataset, instruction, id: own?.id });
      put(row, generator1, { output: output1, place, dataset, rest: {} });
      put(row, generator2, { output: output2, place, dataset, rest: {} });
      row.annotations.push(annotation);
    }
    for (const { generator = path, output, dataset, instruction, id, place, rest } of outputs)
      put(find(generator, { dataset, instruction, id }), generator, { output, place, dataset, rest });
  }
  return rows;
}

function put({ answers, instruction }: ForeignRow, model: string, answer: ForeignAnswer): void {
  const known = answers.get(model);
  if (known && known.output !== answer.output)
    throw dataError(
      `${answer.place}: ${model} has another answer to this instruction in ${known.place}; expected one answer of each model`,
      { first: known.place, second: answer.place, id: instruction.slice(0, 40) },
    );
  answers.set(model, known ? { ...known, rest: { ...known.rest, ...answer.rest } } : answer);
}
