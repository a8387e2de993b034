/**
 * What a terminal obeys instead of showing it, or what changes how the text around it is read:
 * control characters (C0, DEL, C1), halves of surrogate pairs, the line and paragraph separators of
 * Unicode, and the marks that turn the direction of text.
 */
const CONTROLS = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]/gu;

const written = (control: string): string => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * The text as one line that is safe to print: every control character is written as `\u001b`, line
 * breaks and tabs too.
 */
export const escapeControls = (text: string): string => text.replace(CONTROLS, written);

/** As {@link escapeControls}, except that line breaks (CR LF becomes LF) and tabs stay. */
export const escapeKeepingLayout = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(CONTROLS, (control) => (/[\n\t]/.test(control) ? control : written(control)));
