import type { Page } from '../report/page.js';

/** What a live page shows at a moment. */
export interface LiveContent {
  readonly page: Page;
  /** The state in a few words: `running, stage 2 of 3`. Read out where it changes. */
  readonly state: string;
  /** Title of the window or tab: the progress comes first. */
  readonly windowTitle: string;
  /** Bytes read of `events.jsonl`; of a study, of all its cells' together. */
  readonly position: number;
  /** Times that such a file became shorter or was replaced. */
  readonly restarts: number;
}

/** A run, or a study, that is followed by its files, which are only read. */
export interface LiveView {
  /** Looks at the files, and says what is to be shown now. One call at a time. */
  look(): Promise<LiveContent>;
}
