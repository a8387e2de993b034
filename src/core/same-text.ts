/**
 * Characters that are not seen: zero-width spaces and joiners, soft hyphens, byte order marks,
 * marks of direction and of variants.
 */
const UNSEEN = /\p{Default_Ignorable_Code_Point}+/gu;

/**
 * A text without what differs between two copies of it: case, the amount of white space, how an
 * accent is encoded (composed or not), and characters that are not seen. `compatible` evens out
 * Unicode's compatible characters too, such as full-width letters and ligatures (NFKC instead of
 * NFC): right where a copy must not be missed, as between training and held-out rows, and wrong
 * where a false match does harm, as when scores are joined to rows, since it makes 5\u00b2 and 52
 * equal.
 */
export function sameText(text: string, compatible = false): string {
  const form = compatible ? 'NFKC' : 'NFC';
  return text.normalize(form).replace(UNSEEN, '').toLowerCase().normalize(form).trim().replace(/\s+/g, ' ');
}
