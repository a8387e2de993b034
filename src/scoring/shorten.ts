/** Cuts the longest of the texts in their middle until all have `maxChars` characters together. */
export function shorten(texts: readonly string[], maxChars: number): { texts: string[]; cut: number } {
  const total = texts.reduce((sum, { length }) => sum + length, 0);
  if (total <= maxChars) return { texts: [...texts], cut: 0 };
  // Short texts are kept whole; what they leave is shared among the long ones.
  let left = maxChars;
  const share = new Map<number, number>();
  const byLength = texts.map((_, i) => i).sort((x, y) => texts[x]!.length - texts[y]!.length);
  for (const [done, i] of byLength.entries()) {
    const room = Math.min(texts[i]!.length, Math.floor(left / (texts.length - done)));
    share.set(i, room);
    left -= room;
  }
  const shortened = texts.map((text, i) => cutMiddle(text, share.get(i)!));
  return { texts: shortened.map(({ text }) => text), cut: shortened.reduce((sum, { cut }) => sum + cut, 0) };
}

/**
 * Cuts a text to so many characters, and says so in it: three quarters of the room for its
 * beginning, the rest for its end.
 */
export function cutMiddle(text: string, room: number): { text: string; cut: number } {
  if (text.length <= room) return { text, cut: 0 };
  const head = whole(text, Math.ceil((room * 3) / 4));
  const tail = whole(text, text.length - (room - Math.ceil((room * 3) / 4)));
  const cut = tail - head;
  return { text: `${text.slice(0, head)} [... ${cut} characters left out ...] ${text.slice(tail)}`, cut };
}

/** An index that does not part the two halves of a character. */
const whole = (text: string, at: number) => (/[\udc00-\udfff]/.test(text[at] ?? '') && at > 0 ? at - 1 : at);
