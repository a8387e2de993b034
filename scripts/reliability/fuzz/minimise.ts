/** Most files that are tried to make one smaller. */
const MOST_TRIES = 400;

/** A smaller file that does the same: parts are left out, halves first, then ever smaller ones, as long as it does. */
export async function smaller(bytes: Uint8Array, isSame: (bytes: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let best = bytes;
  let tries = 0;
  for (
    let size = Math.ceil(bytes.length / 2);
    size >= 1 && tries < MOST_TRIES;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  )
    for (let at = 0; at < best.length && tries < MOST_TRIES; ) {
      const without = new Uint8Array(Buffer.concat([best.subarray(0, at), best.subarray(at + size)]));
      tries++;
      if (await isSame(without)) best = without;
      else at += size;
    }
  return best;
}
