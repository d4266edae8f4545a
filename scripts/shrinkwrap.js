/** Prints the package's lock file for its users: without the packages that only its developers install, and what an installation reads in package.json or never. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'));
const packages = Object.entries(lock.packages).filter(([, { dev, devOptional }]) => !dev && !devOptional);
for (const [, entry] of packages)
  for (const key of ['funding', 'license', 'engines', 'devDependencies']) delete entry[key];
console.log(JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }));
