/** Every page of the command line, as `--help` shows it. */
import { nouns, verbs } from '../cli/commands.ts';
import { fenced } from './markdown.ts';

// Verbs are loaded when they are called, and documents are written in one go.
const pages = new Map<string, string>();
for (const { name, load } of verbs) pages.set(name, (await load()).usage(name));
for (const [noun, list] of Object.entries(nouns)) {
  for (const { name, load } of list) pages.set(`${noun} ${name}`, (await load()).usage(`${noun} ${name}`));
}

export function commandPages(): string {
  return [...pages].map(([name, page]) => `### stator ${name}\n\n${fenced('text', page)}`).join('\n\n');
}
