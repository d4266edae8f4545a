/**
 * Fails where the name of a state of our charts is written outside of `machines/`. Others read tags (machines/vocabulary/public-state.ts), so that a
 * chart can be changed without them. Reads the charts as they were built, so `npm run build` comes first.
 *   node scripts/check-state-names.mjs [file...]     default: all sources outside of `machines/`
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as machines from '../dist/machines/index.js';

const folders = ['actors', 'runtime', 'cli', 'page'];
/** An upgrade deals with the stored data of an earlier version, including its states. */
const exempt = new Set([join('actors', 'upgrades.ts')]);
/** Names of states with other meanings too: of a hook's delivery, a forge call, a colour. Within a path they mean states. */
const otherMeanings = new Set([
  'attention',
  'blocked',
  'clear',
  'decision',
  'delivered',
  'ended',
  'idle',
  'manual',
  'none',
  'override',
  'preparing',
  'pullRequest',
  'rateLimit',
  'unmerged',
  'unpushed',
]);

const charts = Object.values(machines).filter((each) => each?.root?.states !== undefined);
const nodes = charts.flatMap(({ root }) => nodesIn(root));

function nodesIn(node) {
  return [node, ...Object.values(node.states).flatMap(nodesIn)];
}

const publicWords = new Set(nodes.flatMap(({ tags }) => tags.flatMap((tag) => [tag, ...tag.split(':')])));
const states = nodes.filter(({ path }) => path.length > 0);
const names = new Set(states.map(({ key }) => key).filter((key) => !publicWords.has(key) && !otherMeanings.has(key)));
const paths = states.filter(({ path }) => path.length > 1).map(({ path }) => path.join('.'));
const regions = charts.flatMap(({ root }) => (root.type === 'parallel' ? Object.keys(root.states) : []));

/** Quoted text without blanks, or a regular expression. */
const literal = /(['"`])([\w.$]+)\1|\/((?:\\.|[^/\\\s])+)\//g;
const ofSnapshot = new RegExp(`\\bvalue\\??\\.(?:${regions.join('|')})\\b|\\bsnapshot\\.value [!=]==|\\.matches\\(`);

function namesIn(line) {
  if (/^\s*(?:\*|\/\/|\/\*)/.test(line)) return [];
  const found = [...line.matchAll(literal)].flatMap(([, , word = '', pattern = '']) => {
    if (names.has(word)) return [word];
    const text = (word || pattern).replace(/[\\^$]/g, '').replace(/^\./, '');
    return text.includes('.') && paths.some((path) => `.${path}.`.includes(`.${text.replace(/\.$/, '')}.`))
      ? [text]
      : [];
  });
  return ofSnapshot.test(line) ? [...found, 'a value of a snapshot'] : found;
}

function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesIn(path);
    return /\.tsx?$/.test(entry.name) && !exempt.has(path) ? [path] : [];
  });
}

const given = process.argv.slice(2);
const faults = (given.length > 0 ? given : folders.flatMap(sourcesIn)).flatMap((path) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line, index) => namesIn(line).map((name) => `${path}:${index + 1}: ${name}`)),
);
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error('the name of a state is its chart’s own: read a tag instead, see machines/vocabulary/public-state.ts');
  process.exitCode = 1;
}
