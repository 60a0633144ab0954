// Prints the folders below $MODULES that the package needs at run time, one a line. In an image all are; in a checkout
// most of node_modules is for building and testing only.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const modules = process.env.MODULES;
const found = new Set();

function visit(folder, from) {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    // A package's own copy, else the one that all share.
    const places = [...from.map((parent) => join(parent, 'node_modules', name)), join(modules, name)];
    const place = places.find((candidate) => existsSync(join(candidate, 'package.json')));
    if (place === undefined || found.has(place)) continue;
    found.add(place);
    visit(place, [place, ...from]);
  }
}

visit(new URL('../..', import.meta.url).pathname, []);
// A copy inside a package is copied with that package.
const shared = [...found]
  .map((place) => place.slice(modules.length + 1))
  .filter((name) => !name.includes('node_modules'));
console.log(shared.sort().join('\n'));
