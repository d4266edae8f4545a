/** What a proxy refused, once for each place and reason: a line for the log of the run, and one in a file that the engine reads. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** An agent can ask for as many names as it likes; more say nothing new. */
const countLimit = 100;

export interface Refusals {
  /** `place`: `host:port`. */
  note(place: string, why: string): void;
}

/** `file`: what was said before, by the proxy of the setup, is not said again. */
export function createRefusals(file: string, say: (line: string) => void): Refusals {
  const known = new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
  return {
    note(place, why) {
      const line = `${place} ${why}`;
      if (known.has(line) || known.size > countLimit) return;
      known.add(line);
      say(`stator: network: ${place} is refused: ${why}`);
      if (known.size > countLimit) say('stator: network: what else is refused is not said any more');
      try {
        appendFileSync(file, `${line}\n`, { mode: 0o600 });
      } catch {
        // A full disk: the log has it.
      }
    },
  };
}
