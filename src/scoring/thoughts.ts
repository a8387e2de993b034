import { jsonIn } from '../endpoint/answers/error-body.js';

/** How a family of models marks its thoughts before a reply. */
interface Dialect {
  readonly opens: RegExp;
  readonly closes: RegExp;
}

const TAG = '(?:[\\w-]{1,20}:)?(?:think(?:ing)?|thoughts?|reasoning)';

/** Dialects with marks around the thoughts. */
const DIALECTS: readonly Dialect[] = [
  // DeepSeek, Qwen and most others; Seed has a prefix: <seed:think>.
  { opens: new RegExp(`<${TAG}>`, 'gi'), closes: new RegExp(`</${TAG}>`, 'gi') },
  // Mistral's Magistral.
  { opens: /\[THINK\]/g, closes: /\[\/THINK\]/g },
  // Gemma's, by numbers of tokens that have no use otherwise, and by channels.
  { opens: /<unused94>/g, closes: /<unused95>/g },
  { opens: /<\|channel>thought\b/g, closes: /<channel\|>/g },
  // Kimi.
  { opens: /◁think▷/g, closes: /◁\/think▷/g },
  // Cohere's Command.
  { opens: /<\|START_THINKING\|>/g, closes: /<\|END_THINKING\|>/g },
  // Apertus.
  { opens: /<\|inner_prefix\|>/g, closes: /<\|inner_suffix\|>/g },
];

/** Channels of gpt-oss ("harmony"): only the final one is the reply. */
const CHANNEL = /<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>/g;
/** The same where the server leaves special tokens out: "analysisIt is ...assistantfinal4". */
const BARE_ANALYSIS = /^\s*analysis(?=[A-Z"'(\d])/;
const BARE_FINAL = /assistant\s?final/g;

/** Matches the start of every mark; most replies have none. */
const MAY_BE_MARKED = /[<[◁]|^\s*analysis/;

/** Where the reply begins in a text with thoughts. */
export interface Spoken {
  /** Where it begins, after all thoughts. */
  readonly start: number;
  /**
   * What comes before thoughts that end without having started: thoughts whose opening mark the server cut off, or a reply that quotes a closing
   * mark, which a row may hold.
   */
  readonly before: string;
}

/**
 * Finds the reply after the thoughts that a text begins with, or that it begins inside of. Undefined where they do not end, or where marks
 * are in the middle of a reply, so that it is not certain what is thought and what is said. Whole JSON holds no thoughts, only texts.
 */
export function spokenIn(text: string): Spoken | undefined {
  if (!MAY_BE_MARKED.test(text)) return { start: 0, before: '' };
  if (/^\s*\{/.test(text) && jsonIn(text) !== undefined) return { start: 0, before: '' };
  if (text.includes('<|channel|>')) return afterChannels(text);
  if (BARE_ANALYSIS.test(text)) {
    const start = endOfLast(text, BARE_FINAL);
    return start === 0 ? undefined : { start, before: '' };
  }
  const opened = afterOpened(text);
  if (opened === undefined) return undefined;
  if (opened > 0) return isMarked(text.slice(opened)) ? undefined : { start: opened, before: '' };
  const closing = DIALECTS.flatMap(({ closes }) => [...text.matchAll(closes)]);
  if (closing.length > 1 || DIALECTS.some(({ opens }) => text.search(opens) >= 0)) return undefined;
  const [mark] = closing;
  return mark ? { start: mark.index + mark[0].length, before: text.slice(0, mark.index) } : { start: 0, before: '' };
}

/** A reply without the marks of its beginning and end. */
export const unmarked = (reply: string): string =>
  reply
    .replace(/^\s*<\|START_RESPONSE\|>/, '')
    .replace(/<\|(?:return|end|END_RESPONSE|im_end|eot_id|end_of_text)\|>\s*$/, '')
    .trim();

/** Where the thoughts end that a text begins with; 0 where it begins with none, undefined where they do not end. */
function afterOpened(text: string): number | undefined {
  let at = 0;
  for (;;) {
    const from = at + /^\s*/.exec(text.slice(at))![0].length;
    const dialect = DIALECTS.find(({ opens }) => text.slice(from, from + 40).search(opens) === 0);
    if (!dialect) return at;
    const end = endOfNext(text, dialect.closes, from);
    if (end === undefined) return undefined;
    at = end;
  }
}

function endOfNext(text: string, mark: RegExp, from: number): number | undefined {
  mark.lastIndex = from;
  const end = mark.test(text) ? mark.lastIndex : undefined;
  // Where the next search of it begins.
  mark.lastIndex = 0;
  return end;
}

const isMarked = (text: string): boolean =>
  DIALECTS.some(({ opens, closes }) => text.search(opens) >= 0 || text.search(closes) >= 0);

const endOfLast = (text: string, mark: RegExp): number => {
  const last = [...text.matchAll(mark)].at(-1);
  return last ? last.index + last[0].length : 0;
};

function afterChannels(text: string): Spoken | undefined {
  const channels = [...text.matchAll(CHANNEL)];
  const last = channels.at(-1);
  const finals = channels.filter(([, name]) => name === 'final');
  if (last?.[1] !== 'final' || finals.length > 1) return undefined;
  const first = text.indexOf('<|');
  return { start: last.index + last[0].length, before: text.slice(0, first).trim() };
}
