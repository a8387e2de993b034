import { fileStamp } from '../../io/files.js';
import { liveHolder } from '../../io/lock-file.js';
import type { Section } from '../../report/page.js';
import { readStudy, type Study, studyPaths } from '../../study/study-record.js';
import type { LiveView } from '../view.js';
import { followCells } from './follow-cells.js';
import { type FollowedRun, followRun, type RunFollower } from './follow-run.js';
import { openRunView, type Wording } from './run-view.js';
import { followStudyLog } from './study-log.js';
import { blocksOf, cellsSection, type LiveCell, shareDone, studyStateBlocks, studyStateOf } from './study-state.js';

/** The page of a study as it grows, and of its cells' runs. */
export function openStudyView(
  folder: string,
  wording: Wording,
): LiveView & { cell(index: number): LiveView | undefined } {
  const cellStates = followCells();
  const log = followStudyLog();
  const read = studyReader(folder);
  const runs = cellRuns();
  let study: Study | undefined;
  return {
    cell(index) {
      const cell = study?.cells.find((each) => each.index === index);
      return cell && openRunView(studyPaths(folder).run(cell.id), { ...wording, name: `${wording.name}: ${cell.id}` });
    },
    async look() {
      study = await read();
      const states = await cellStates.read(study);
      const cells: LiveCell[] = [];
      for (const [i, cell] of study.cells.entries()) {
        const state = states[i]!;
        const run = await runs.read(cell.index, studyPaths(folder).run(cell.id), state.state);
        cells.push({ cell, state, run });
      }
      const facts = { cells, holder: await liveHolder(folder) };
      const { planned, complete } = blocksOf(cells);
      const sections: Section[] = [
        { id: 'state', title: 'State', blocks: studyStateBlocks(facts, Date.now()) },
        cellsSection(cells),
        await log.read(study, cells),
      ];
      const begun = cells.flatMap(({ run }) => (run ? [run] : []));
      return {
        page: { title: wording.name, subtitle: 'A study of phasetune, as its files are now.', sections },
        state: `${studyStateOf(facts)}, ${complete} of ${planned} blocks complete`,
        windowTitle: `${Math.floor(shareDone(cells) * 100)} % · ${wording.name}`,
        position: begun.reduce((n, { position }) => n + position, 0),
        restarts: begun.reduce((n, { restarts }) => n + restarts, 0),
      };
    },
  };
}

/** Reads the study's record where it has changed since it was last read. */
function studyReader(folder: string): () => Promise<Study> {
  let stamp = '';
  let study: Study | undefined;
  return async () => {
    const { record, cells } = studyPaths(folder);
    const now = `${await fileStamp(record)} ${await fileStamp(cells)}`;
    if (!study || now !== stamp) study = await readStudy(folder);
    stamp = now;
    return study;
  };
}

/** Follows the runs of cells; one that is done is read to its end once. */
function cellRuns() {
  const followers = new Map<number, RunFollower>();
  const done = new Map<number, FollowedRun>();
  return {
    async read(index: number, folder: string, state: string): Promise<FollowedRun | undefined> {
      if (state !== 'done') done.delete(index);
      if (state === 'waiting' || state === 'queued') return undefined;
      const known = done.get(index);
      if (known) return known;
      const follower = followers.get(index) ?? followRun(folder);
      followers.set(index, follower);
      const run = await follower.read();
      if (state === 'done') done.set(index, run);
      return run;
    },
  };
}
