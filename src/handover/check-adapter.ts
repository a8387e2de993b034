import { join } from 'node:path';
import { shownName, showSome } from '../core/shown.js';
import { exists } from '../io/files.js';
import { readJson } from '../io/json.js';
import { ADAPTER_FILES } from '../train/checkpoint.js';
import type { AdapterState } from './adapter-state.js';
import { type Finding, finding } from './traps.js';

/** Names of matrices that a sentence lists. */
const SHOWN = 3;

const listed = (names: readonly string[]): string =>
  showSome(
    names.map((name) => shownName(name)),
    SHOWN,
  );
const isB = (name: string): boolean => name.includes('.lora_B.');
const isA = (name: string): boolean => name.includes('.lora_A.');

/** The adapters that a trained one is compared with. */
export interface Earlier {
  /** The one that was handed over: names and shapes stay its. */
  readonly first: AdapterState | undefined;
  /** The one that the stage began with: its values must change. Undefined where it cannot be read. */
  readonly before: AdapterState | undefined;
}

/**
 * What is wrong with the matrices of a trained adapter. `moved` is the number of steps in which anything could change:
 * those with a learning rate.
 */
export function adapterFindings(after: AdapterState, { first, before }: Earlier, moved: number): Finding[] {
  const empty = emptyShapes(after);
  if (empty.length > 0) return empty;
  const layout = first ? layoutFindings(after, first) : [];
  if (layout.length > 0) return layout;
  const broken = [...after.matrices].filter(([, { notFinite }]) => notFinite);
  if (broken.length > 0) {
    const [name, { notFinite }] = broken[0]!;
    const where = `${after.file}: ${shownName(name)}: element ${notFinite!.index} is ${notFinite!.value}`;
    const more = broken.length > 1 ? `; ${broken.length} of ${after.matrices.size} matrices have such elements` : '';
    return [finding('not finite', `${where}, expected a finite number${more}`)];
  }
  if (moved === 0) return [];
  return (before && unchanged(after, before, moved)) ?? zeros(after);
}

function emptyShapes({ file, matrices }: AdapterState): Finding[] {
  const empty = [...matrices].filter(([, { shape }]) => shape.includes(0));
  if (empty.length === 0) return [];
  const [name, { shape }] = empty[0]!;
  return [
    finding(
      'empty shapes',
      `${file}: ${empty.length} of ${matrices.size} matrices are empty, ${shownName(name)} is [${shape.join(', ')}]`,
    ),
  ];
}

function layoutFindings(after: AdapterState, before: AdapterState): Finding[] {
  const missing = [...before.matrices.keys()].filter((name) => !after.matrices.has(name));
  const unknown = [...after.matrices.keys()].filter((name) => !before.matrices.has(name));
  if (missing.length > 0 || unknown.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`${missing.length} matrices are missing (${listed(missing)})`] : []),
      ...(unknown.length > 0 ? [`${unknown.length} were not handed over (${listed(unknown)})`] : []),
    ];
    return [finding('other names', `${after.file}: ${parts.join(', ')}`)];
  }
  const other = [...after.matrices].filter(([name, { shape }]) => `${shape}` !== `${before.matrices.get(name)!.shape}`);
  if (other.length === 0) return [];
  const [name, { shape }] = other[0]!;
  const expected = before.matrices.get(name)!.shape;
  return [
    finding(
      'other shapes',
      `${after.file}: ${shownName(name)}: expected [${expected.join(', ')}], found [${shape.join(', ')}]${other.length > 1 ? `; ${other.length} matrices have other shapes` : ''}`,
    ),
  ];
}

/** Matrices that training left as they were; undefined where all changed that had to. */
function unchanged(after: AdapterState, before: AdapterState, moved: number): Finding[] | undefined {
  if (after.sha256 === before.sha256)
    return [
      finding('same file', `${after.file} is the file that the stage began with (SHA-256 ${brief(after.sha256)})`),
    ];
  const same = [...after.matrices].filter(([name, { values }]) => values === before.matrices.get(name)?.values);
  if (same.length === after.matrices.size)
    return [
      finding('frozen adapter', `${after.file}: all ${same.length} matrices have the values that the stage began with`),
    ];
  // A's gradient is zero as long as B is: after a single update of a new adapter only B has changed.
  const wrong = same.map(([name]) => name).filter((name) => (isB(name) ? !after.matrices.get(name)!.zero : moved > 1));
  if (wrong.length === 0) return undefined;
  return [
    finding(
      'partly frozen',
      `${after.file}: ${wrong.length} of ${after.matrices.size} matrices did not change (${listed(wrong)})`,
    ),
  ];
}

function zeros({ file, matrices }: AdapterState): Finding[] {
  const zero = (belongs: (name: string) => boolean) =>
    [...matrices].filter(([name, { zero }]) => zero && belongs(name)).map(([name]) => name);
  const all = (belongs: (name: string) => boolean) => [...matrices.keys()].filter(belongs).length;
  const [a, b] = [zero(isA), zero(isB)];
  return [
    ...(b.length > 0
      ? [
          finding(
            'B is zero',
            `${file}: ${b.length} of ${all(isB)} matrices B are zero (${listed(b)}), so they change nothing`,
          ),
        ]
      : []),
    ...(a.length > 0
      ? [finding('A is zero', `${file}: ${a.length} of ${all(isA)} matrices A are zero (${listed(a)})`)]
      : []),
  ];
}

/** What of an adapter's configuration decides what its matrices do. */
export async function scaleFindings(folder: string, before: string): Promise<Finding[]> {
  const [, CONFIG] = ADAPTER_FILES;
  const path = join(folder, CONFIG);
  if (!exists(path)) return [finding('no configuration', `${folder}: no ${CONFIG} in it`)];
  const [own, expected] = [scaleOf(await readJson(path)), scaleOf(await readJson(join(before, CONFIG)))];
  const other = Object.keys(expected).filter((key) => own[key] !== expected[key]);
  if (other.length === 0) return [];
  const differences = other.map((key) => `${key} is ${own[key]}, expected ${expected[key]}`);
  return [finding('other scale', `${path}: ${differences.join(', ')}`)];
}

function scaleOf(config: unknown): Record<string, unknown> {
  const { r, lora_alpha, use_rslora } = (config ?? {}) as Record<string, unknown>;
  return { r, lora_alpha, use_rslora: use_rslora ?? false };
}

/** The first digits of a hash, enough to distinguish it from another. */
export const brief = (hash: string): string => `${hash.slice(0, 12)}...`;
