/** Every page of the command line, as `--help` shows it. */
import { isOtherNoun, listed, nouns, otherNameRows, pageOf, verbs } from '../cli/commands.ts';
import { code, fenced, markdownTable } from './markdown.ts';

const today = Object.entries(nouns).filter(([, entries]) => !isOtherNoun(entries));
// Verbs are loaded when they are called, while the documents are written synchronously, so all pages are made first.
const pages = new Map<string, string>();
for (const entry of listed(verbs)) pages.set(entry.name, await pageOf(null, entry));
for (const [noun, entries] of today)
  for (const entry of listed(entries)) pages.set(`${noun} ${entry.page.join(', ')}`, await pageOf(noun, entry));

export function commandPages(): string {
  return [...pages].map(([name, page]) => `### stator ${name}\n\n${fenced('text', page)}`).join('\n\n');
}

/** The other names of verbs, and the verbs that they name. */
export function otherNames(): string {
  return markdownTable(
    ['name', 'here'],
    otherNameRows().map(([name, now]) => [code(name), code(now)]),
  );
}
