import { join } from 'node:path';
import { dataError } from '../../core/errors.js';
import { exists, listFolder, statPath } from '../../io/files.js';
import { isLockFile } from '../../io/lock-file.js';
import type { LiveContent, LiveView } from '../view.js';
import { openRunView, type Wording } from './run-view.js';
import { openStudyView } from './study-view.js';

/** What a folder has in it. */
type Kind = 'run' | 'study' | 'missing' | 'nothing yet';

async function kindOf(folder: string): Promise<Kind> {
  const { kind } = await statPath(folder);
  if (kind === 'missing') return 'missing';
  if (kind !== 'folder') throw dataError(`${folder}: expected the folder of a run or of a study`, { file: folder });
  if (exists(join(folder, 'study.json'))) return 'study';
  if (exists(join(folder, 'run.json')) || exists(join(folder, 'events.jsonl'))) return 'run';
  return 'nothing yet';
}

/** Names that a study or a run has in its folder before its record is written. */
const EARLY = new Set(['cells.jsonl', 'staged', 'holdouts', 'stop.json']);

/** Refuses a folder that nothing of ours will come from. */
export async function checkFolder(folder: string, wait: boolean): Promise<void> {
  const kind = await kindOf(folder);
  if (kind === 'missing' && !wait)
    throw dataError(`${folder}: no such folder`, {
      file: folder,
      remedies: [{ option: 'wait', change: 'set', note: 'if a run or a study will begin there' }],
    });
  if (kind !== 'nothing yet') return;
  const foreign = (await listFolder(folder)).filter(
    (name) => !isLockFile(name) && !EARLY.has(name) && !name.startsWith('.'),
  );
  if (foreign.length > 0)
    throw dataError(`${folder}: neither a run nor a study (no run.json and no study.json in it)`, { file: folder });
}

type OpenView = LiveView & { cell?(index: number): LiveView | undefined };

/** The page of a folder, and the pages of its cells where it is a study. */
export interface FolderView extends LiveView {
  /** The page of the run of a cell, by its index in the study's list, from 1; undefined where there is none. */
  cell(index: number): LiveView | undefined;
}

/**
 * The page of a folder: of nothing at first, then of the run or the study that begins there. Once
 * it has been seen and is gone, the page says so and shows what it was.
 */
export function openFolderView(folder: string, wording: Wording): FolderView {
  let open: { readonly kind: Kind; readonly view: OpenView } | undefined;
  /** What was shown last of a folder that was there. */
  let last: LiveContent | undefined;
  return {
    cell: (index) => open?.view.cell?.(index),
    async look() {
      const kind = await kindOf(folder);
      if (kind === 'missing' && last) return gone(last, folder);
      if (kind !== open?.kind)
        open = { kind, view: kind === 'study' ? openStudyView(folder, wording) : openRunView(folder, wording) };
      const content = await open.view.look();
      last = kind === 'missing' ? undefined : content;
      return content;
    },
  };
}

/** What was shown last, with a word that the folder is not there any more. */
function gone(last: LiveContent, folder: string): LiveContent {
  const text = `${folder} was removed, moved or unmounted. What is below is how it was when it was last seen.`;
  const [state, ...rest] = last.page.sections;
  const first = { ...state!, blocks: [{ kind: 'note' as const, tone: 'error' as const, text }] };
  return { ...last, state: 'the folder is gone', page: { ...last.page, sections: [first, ...rest] } };
}
