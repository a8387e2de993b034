/**
 * How a reply ended, by the word that its server has for it: `whole` by itself; `filtered` by a
 * filter; `broken` by an error, so that it may come whole next time; `cut` by a limit or for
 * another reason, unknown words among them.
 */
export type Ending = 'whole' | 'filtered' | 'broken' | 'cut';

const WHOLE = new Set(['stop', 'eos', 'eos_token', 'end_turn', 'stop_sequence', 'end', 'complete', 'completed']);
const FILTERED =
  /^(?:content[-_ ]?filter|safety|recitation|blocklist|prohibited_content|spii|sensitive|refusal|refused|image_safety|language|moderation|guardrail)/;
const BROKEN =
  /^(?:error|cancell?ed|abort(?:ed)?|failed|network_error|timeout|insufficient_system_resource|other|load|unload|malformed_response)$/;

/** Reads the word for how a reply ended; a reply without one counts as whole. */
export function endingOf(finish: string | null | undefined): Ending {
  const word = (finish ?? '')
    .trim()
    .toLowerCase()
    .replace(/^finish_?reason_/, '');
  if (word === '' || WHOLE.has(word)) return 'whole';
  if (FILTERED.test(word)) return 'filtered';
  return BROKEN.test(word) ? 'broken' : 'cut';
}

/** True where a limit of tokens ended the reply. */
export const isLimit = (finish: string | null | undefined): boolean =>
  /^(?:finish_?reason_)?(?:length|max_(?:completion_|output_|new_)?tokens|model_length|model_context_window_exceeded)$/i.test(
    finish?.trim() ?? '',
  );
