import { PhasetuneError } from '../../core/errors.js';
import { isSettled, type Standing } from './standing.js';

/**
 * Makes a check that all verdicts under one name come from one model, by the name that the server returns: verdicts of
 * several models are not one judge's, and a server may change what a name stands for between two runs. The check
 * throws an error of code `endpoint` at the first verdict of another model; replies are in the ledger then.
 */
export function createModelCheck(asked: string): (standing: Standing) => void {
  let first: string | undefined;
  return (standing) => {
    if (!isSettled(standing)) return;
    const model = standing.model ?? asked;
    first ??= model;
    if (model === first) return;
    throw new PhasetuneError(
      'endpoint',
      `the server answers for ${asked} with more than one model, ${first} and ${model}; verdicts of several models are not one judge's, so none were written`,
      {
        option: 'model',
        remedies: [
          {
            option: 'model',
            change: 'set',
            note: `to a name that always stands for the same model, such as ${model}; all pairs are then asked about again`,
          },
        ],
      },
    );
  };
}
