import { fileURLToPath } from 'node:url';

/** Folder of the committed tokenizer. */
export const TINY = fileURLToPath(new URL('../../models/tiny-llama', import.meta.url));
