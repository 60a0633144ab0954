import { readFileSync, writeFileSync } from 'node:fs';
import { TABLES, withTable } from './tables.js';

/* `npm run docs`, in the project's folder: writes what of the documents is made from code. */

for (const file of Object.keys(TABLES)) {
  const text = readFileSync(file, 'utf8');
  const made = withTable(file, text);
  if (made === text) continue;
  writeFileSync(file, made);
  console.log(`${file} was written`);
}
