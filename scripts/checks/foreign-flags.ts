import type { ForeignFlags } from './flags.js';

/** Flags of other programs that the library runs or advises to run, as FILE#DECLARATION. */
export const FOREIGN_FLAGS: ForeignFlags = {};
