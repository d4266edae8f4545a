/** Every page of the command line, as `--help` shows it. */
import { isOldNoun, listed, nouns, pageOf, verbs } from '../cli/commands.ts';
import { code, fenced, markdownTable } from './markdown.ts';

const today = Object.entries(nouns).filter(([, entries]) => !isOldNoun(entries));
// Verbs are loaded when they are called, and documents are written in one go.
const pages = new Map<string, string>();
for (const entry of listed(verbs)) pages.set(entry.name, await pageOf(null, entry));
for (const [noun, entries] of today)
  for (const entry of listed(entries)) pages.set(`${noun} ${entry.page.join(', ')}`, await pageOf(noun, entry));

export function commandPages(): string {
  return [...pages].map(([name, page]) => `### stator ${name}\n\n${fenced('text', page)}`).join('\n\n');
}

/** What each old name is called today. */
export function oldNames(): string {
  const all = [
    ...verbs.map((entry) => [entry.name, entry] as const),
    ...Object.entries(nouns).flatMap(([noun, entries]) =>
      entries.map((entry) => [`${noun} ${entry.name}`, entry] as const),
    ),
  ];
  const rows = all.flatMap(([name, { now }]) => (now === undefined ? [] : [[code(name), code(now)]]));
  return markdownTable(['old name', 'write'], rows);
}
