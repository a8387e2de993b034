import { HIDDEN, secretPlaces } from '../../telemetry/redact.js';
import type { Passage } from '../page.js';

/** The passages of a row without the secrets that several of them make up: no piece of one is shown. */
export function hiddenPassages(passages: readonly Passage[]): readonly Passage[] {
  const secrets = secretPlaces(passages.map(({ text }) => text).join(''));
  if (secrets.length === 0) return passages;
  let [end, next] = [0, 0];
  return passages.flatMap((passage): Passage[] => {
    const from = end;
    end += passage.text.length;
    while (next < secrets.length && secrets[next]!.to <= from) next++;
    const secret = secrets[next];
    if (!secret || secret.from >= end) return [passage];
    return secret.from >= from ? [{ ...passage, text: HIDDEN }] : [];
  });
}
