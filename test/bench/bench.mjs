/**
 * Everything that is measured, in one report: each part in a process of its own, one after the other. `npm run bench`; some parts only: `npm run bench -- verbs
 * fleet`; `--json` prints one object with an object for each part, `growth --svg FILE` draws. Machines are shared and noisy: only the ratios count.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const parts = [
  'signals',
  'machines',
  'durable',
  'files-per-signal',
  'verbs',
  'socket',
  'busy',
  'fleet',
  'cluster',
  'git',
  'loop',
  'walls',
  'gateway',
  'parsers',
  'hooks',
  'scale',
  'growth',
  'idle',
  'page',
  'diff',
  'watchers',
  'gc',
];
const isJson = process.argv.includes('--json');
const words = process.argv.slice(2);
const drawn = words.indexOf('--svg') < 0 ? [] : words.splice(words.indexOf('--svg'), 2);
const asked = words.filter((word) => !word.startsWith('-'));
const unknown = asked.filter((word) => !parts.includes(word));
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; there are ${parts.join(', ')}`);
  process.exit(64);
}

const report = {};
let isWhole = true;
for (const part of parts.filter((each) => asked.length === 0 || asked.includes(each))) {
  const file = join(import.meta.dirname, `${part}.mjs`);
  const output = isJson ? 'pipe' : 'inherit';
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--expose-gc', file, ...(isJson ? ['--json'] : []), ...(part === 'growth' ? drawn : [])],
    {
      stdio: ['ignore', output, 'inherit'],
      encoding: 'utf8',
    },
  );
  if (status !== 0) {
    console.error(`${part} ended with ${status}`);
    isWhole = false;
  } else if (isJson) report[part] = JSON.parse(stdout);
}
if (isJson) console.log(JSON.stringify(report));
process.exitCode = isWhole ? 0 : 1;
