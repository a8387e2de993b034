import { PhasetuneError } from '../../core/errors.js';
import { renderSection, renderTop } from '../../report/html/render.js';
import { cpuMs } from '../../telemetry/cpu-time.js';
import type { LiveContent, LiveView } from '../view.js';
import type { Message, Stream } from './streams.js';

/** A section, drawn. */
interface Drawn {
  readonly html: string;
  /** Bytes of events up to which it was drawn when it last changed. */
  readonly changedAt: number;
}

/** A page as it is shown, drawn. */
export interface Shown {
  /** What is above the sections. */
  readonly top: string;
  /** By id, in their order. */
  readonly sections: ReadonlyMap<string, Drawn>;
  readonly windowTitle: string;
  readonly state: string;
  readonly position: number;
  readonly restarts: number;
}

/** Keeps one page, and those who watch it, up to date. */
export interface Feed {
  /** The page as it is now. */
  now(): Promise<Shown>;
  /**
   * Adds one who watches, who has seen events up to byte `from` (`Last-Event-ID`), or nothing; it first gets what is
   * different since. Returns what ends that.
   */
  watch(stream: Stream, from: number | undefined): () => void;
  /** Looks once more, and sends what has changed. */
  look(): Promise<void>;
}

/** A page is looked at no more often than this, in ms. */
const LOOK_MS = 1000;

/** Share of a core that looking and drawing take at most: trainings use all of them. */
const MOST_SHARE = 0.05;

/** A page is not looked at less often than this for that, in ms. */
const MOST_WAIT_MS = 5000;

/** Keeps a view up to date for as long as somebody watches it, and looks at nothing while nobody does. */
export function openFeed(view: LiveView): Feed {
  /** Who watches, and what each of them has. */
  const watching = new Map<Stream, Shown | undefined>();
  let content: LiveContent | undefined;
  let shown: Shown | undefined;
  let looking: Promise<Shown> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const tell = (stream: Stream, next: Shown) => {
    const known = watching.get(stream);
    if (known && known.restarts !== next.restarts) stream.send({ event: 'reset', id: next.position, data: {} });
    const message = changes(known, next);
    if (message) stream.send(message);
    watching.set(stream, next);
  };
  const look = () =>
    (looking ??= (async () => {
      content = await lookSafely(view, content);
      const next = draw(content, shown);
      shown = next;
      for (const stream of [...watching.keys()]) tell(stream, next);
      lookedAt = performance.now();
      return next;
    })().finally(() => {
      looking = undefined;
    }));
  const keepLooking = async () => {
    const before = cpuMs();
    await look();
    if (watching.size === 0) return;
    const fair = (cpuMs() - before) / MOST_SHARE;
    // One who left and one who came during the look began this twice.
    clearTimeout(timer);
    timer = setTimeout(keepLooking, Math.min(MOST_WAIT_MS, Math.max(LOOK_MS, fair)));
    timer.unref();
  };
  return {
    now: () => (shown && performance.now() - lookedAt < LOOK_MS ? Promise.resolve(shown) : look()),
    watch(stream, from) {
      const known = shown && from !== undefined ? upTo(shown, from) : undefined;
      watching.set(stream, known);
      if (shown && from !== undefined && from > shown.position)
        stream.send({ event: 'reset', id: shown.position, data: {} });
      if (watching.size === 1) void keepLooking();
      else if (shown) tell(stream, shown);
      return () => {
        watching.delete(stream);
        if (watching.size === 0) clearTimeout(timer);
      };
    },
    async look() {
      await looking;
      await look();
    },
  };
}

/** What somebody has who has seen events up to a byte: nothing for sure where files were cut off since. */
function upTo(shown: Shown, from: number): Shown | undefined {
  if (shown.restarts > 0 || from > shown.position) return undefined;
  return { ...shown, sections: new Map([...shown.sections].filter(([, { changedAt }]) => changedAt < from)) };
}

function draw({ page, windowTitle, state, position, restarts }: LiveContent, before: Shown | undefined): Shown {
  const sections = page.sections.map((section): [string, Drawn] => {
    const html = renderSection(section);
    const old = before?.sections.get(section.id);
    return [section.id, old?.html === html ? old : { html, changedAt: position }];
  });
  return { top: renderTop(page), sections: new Map(sections), windowTitle, state, position, restarts };
}

/** What of a page is different from what somebody has; undefined for nothing. */
function changes(known: Shown | undefined, next: Shown): Message | undefined {
  const changed = [...next.sections].filter(([id, { html }]) => known?.sections.get(id)?.html !== html);
  const order = [...next.sections.keys()];
  const same = known && known.top === next.top && known.windowTitle === next.windowTitle && known.state === next.state;
  if (same && changed.length === 0 && known.sections.size === order.length) return undefined;
  return {
    event: 'sections',
    id: next.position,
    data: {
      title: next.windowTitle,
      state: next.state,
      order,
      ...(known?.top !== next.top && { top: next.top }),
      sections: Object.fromEntries(changed.map(([id, { html }]) => [id, html])),
    },
  };
}

/** Looks, and where that fails shows why, above what was shown last. */
async function lookSafely(view: LiveView, last: LiveContent | undefined): Promise<LiveContent> {
  try {
    return await view.look();
  } catch (error) {
    const text = error instanceof PhasetuneError ? error.problem : String(error);
    const problem = { id: 'unread', title: 'Not up to date', blocks: [{ kind: 'note', tone: 'error', text }] } as const;
    const before = last ?? { page: { title: 'phasetune', subtitle: '', sections: [] }, position: 0, restarts: 0 };
    const sections = [problem, ...before.page.sections.filter(({ id }) => id !== problem.id)];
    const page = { ...before.page, sections };
    return { ...before, page, state: 'its files cannot be read', windowTitle: `! · ${page.title}` };
  }
}
