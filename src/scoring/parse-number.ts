import type { Scale } from './rubric.js';

/** A score as a judge gave it, with its reason where one was requested, or why the reply has no clear score. */
export type ParsedReply = { readonly score: number; readonly reason?: string } | { readonly unclear: string };

/** A number checked against the scale; `text` is how it was written. */
export function onScale(value: number, text: string, scale: Scale): ParsedReply {
  if (!Number.isFinite(value)) return { unclear: `"${excerpt(text)}" is not a number` };
  if (value < scale.min || value > scale.max)
    return { unclear: `${excerpt(text)} is out of range: expected ${scale.min} to ${scale.max}` };
  if (scale.whole && !Number.isInteger(value)) return { unclear: `${excerpt(text)} is not a whole number` };
  return { score: value };
}

/** The beginning of a text, on one line. */
export function excerpt(text: string): string {
  const line = text.slice(0, 400).replace(/\s+/g, ' ').trim();
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}
