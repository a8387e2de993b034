// Imports a module, and no more: import.ts FILE
import { pathToFileURL } from 'node:url';

await import(pathToFileURL(process.argv[2]!).href);
