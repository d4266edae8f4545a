/** Agents that look at each other: each counts those that live beside it, itself included, under a lock, so that no count is of two moments. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Siblings {
  /** A shell text: what an agent does between its coming and its going, and what it sees at both. */
  among(body: string): string;
  /** The names of those that live now. */
  alive(): string[];
  /** From now on whoever comes stays until so many have been seen alive at once. */
  expect(count: number): void;
  /** What was counted, one number a look, the oldest first. */
  counts(): number[];
  /** The most that any of them saw. */
  most(): number;
  /** Those that came, in the order in which they did. */
  came(): string[];
}

/** Over a folder that all of them write to. */
export function siblingsIn(folder: string): Siblings {
  const [live, lock, seen, came, wanted] = ['live', 'lock', 'seen', 'came', 'wanted'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string, string]; // as many as were named
  mkdirSync(live, { recursive: true });
  const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
  const look = `set -- '${live}'/*; echo $# >> '${seen}'; n=$(cat '${wanted}' 2>/dev/null || echo 0); [ $# -lt $n ] || : > '${wanted}'.$n`;
  const locked = (text: string) => `until mkdir '${lock}' 2>/dev/null; do sleep 0.02; done; ${text}; rmdir '${lock}'`;
  const counts = () => linesOf(seen).map(Number);
  return {
    among: (body) =>
      [
        `me="$STATOR_PROJECT.$STATOR_TITLE.$STATOR_ATTEMPT"`,
        locked(`: > '${live}'/"$me"; echo "$me" >> '${came}'; ${look}`),
        // Whoever was to wait for others looks at them again and again: they may all have been there before.
        `until [ $n = 0 ] || [ -e '${wanted}'.$n ]; do sleep 0.05; ${locked(look)}; done`,
        body,
        locked(`${look}; rm '${live}'/"$me"`),
      ].join('\n'),
    alive: () => readdirSync(live),
    expect: (count) => writeFileSync(wanted, `${count}\n`),
    counts,
    most: () => counts().reduce((top, count) => Math.max(top, count), 0),
    came: () => linesOf(came),
  };
}
