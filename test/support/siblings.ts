/** Agents that count each other: each counts the live ones, itself included, under a lock, so that no count mixes two times. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Siblings {
  /** A shell text: what an agent does between its arrival and its departure; it counts at both. */
  among(body: string): string;
  /** The names of the live agents. */
  alive(): string[];
  /** From now on each arriving agent stays until that many were alive at once. */
  expect(count: number): void;
  /** The counts, one number for each, the oldest first. */
  counts(): number[];
  /** The largest count of any agent. */
  most(): number;
  /** The arrived agents, in order. */
  came(): string[];
}

/** All agents write to this folder. */
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
        // An agent that waits for others counts again and again: they may all have arrived before.
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
