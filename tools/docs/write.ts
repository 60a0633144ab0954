import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { withBlocks } from './blocks.js';
import { TABLES, withTable } from './tables.js';

/* `npm run docs`, in the project's folder: writes what of the documents is made from code. */

const inFolder = readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`);
const documents = [...readdirSync('.'), ...inFolder].filter((name) => name.endsWith('.md'));

for (const file of documents) {
  const text = readFileSync(file, 'utf8');
  const made = withBlocks(file, file in TABLES ? withTable(file, text) : text);
  if (made === text) continue;
  writeFileSync(file, made);
  console.log(`${file} was written`);
}
