import type { EncodedRow } from '../../data/encoded.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { Passage } from '../page.js';

/** What tokens look like on a page. */
export interface TokenTexts {
  /** The tokens of a row in order; bytes that are a character only together are one passage. */
  passagesOf(row: EncodedRow): Promise<Passage[]>;
}

/** What a tokenizer writes for bytes that are no character. */
const PARTIAL = '\ufffd';

/**
 * Texts of the tokens of some rows. Each is decoded after another token, so that a tokenizer that
 * drops the blank at the start of a text keeps that of the token.
 */
export async function tokenTexts(tokenizer: Tokenizer, rows: readonly EncodedRow[]): Promise<TokenTexts> {
  const ids = [...new Set(rows.flatMap((row) => [...row.ids]))];
  const first = (await tokenizer.encode('a')).at(-1);
  const before = first === undefined ? '' : await tokenizer.decode([first]);
  const together = await tokenizer.decodeBatch(ids.map((id) => (first === undefined ? [id] : [first, id])));
  const alone = await tokenizer.decodeBatch(ids.map((id) => [id]));
  const plain = await tokenizer.decodeBatch(
    ids.map((id) => [id]),
    { skipSpecialTokens: true },
  );
  const known = new Map(
    ids.map((id, i) => {
      const text = together[i]!.startsWith(before) ? together[i]!.slice(before.length) : alone[i]!;
      return [id, { text, special: alone[i] !== '' && plain[i] === '' }];
    }),
  );
  return {
    async passagesOf({ ids: own, mask }) {
      const passages: Passage[] = [];
      for (let t = 0; t < own.length; t++) {
        const { text, special } = known.get(own[t]!)!;
        const trained = mask[t] === 1;
        const mark = special ? (trained ? 'trained-special' : 'special') : trained ? 'trained' : 'context';
        if (!text.includes(PARTIAL)) {
          passages.push({ text, mark });
          continue;
        }
        const run = [own[t]!];
        while (
          t + 1 < own.length &&
          (mask[t + 1] === 1) === trained &&
          known.get(own[t + 1]!)!.text.includes(PARTIAL) &&
          (await tokenizer.decode(run)).includes(PARTIAL)
        )
          run.push(own[++t]!);
        const whole = await tokenizer.decode(run);
        if (whole.includes(PARTIAL)) passages.push(...run.map((id) => ({ text: `<${id}>`, mark }) as const));
        else passages.push({ text: whole, mark });
      }
      return passages;
    },
  };
}
