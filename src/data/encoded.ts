/**
 * A row as the trainer sees it. `ids[t]` is a token; `mask[t]` is 1 where the token is trained, that is where the
 * model is asked to predict `ids[t]` from the tokens before it. The first token is never trained.
 */
export interface EncodedRow {
  readonly id: string;
  readonly ids: Int32Array;
  readonly mask: Uint8Array;
  /** Trained tokens: the sum of the mask. */
  readonly trained: number;
}
