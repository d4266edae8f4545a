/** The verbs of the command line, as `cli/commands.ts` lists them. */
import { type Entry, nouns, verbs } from '../../cli/commands.ts';

export interface NamedVerb {
  /** The words after `stator`: `plan list`, `gc`. */
  readonly name: string;
  readonly noun: string | null;
  readonly entry: Entry;
}

/** All verbs, including their old names. */
export function namedVerbs(): NamedVerb[] {
  return [
    ...verbs.map((entry) => ({ name: entry.name, noun: null, entry })),
    ...Object.entries(nouns).flatMap(([noun, entries]) =>
      entries.map((entry) => ({ name: `${noun} ${entry.name}`, noun, entry })),
    ),
  ];
}

/** Whether it is a present name. */
export function isOfToday({ entry }: NamedVerb): boolean {
  return entry.now === undefined;
}
