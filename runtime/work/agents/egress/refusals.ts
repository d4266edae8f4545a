/** Records a proxy's refusals, once for each target and reason: a line in the run's log, and one in a file for the engine. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** The most recorded refusals: an agent can request any number of names. */
const countLimit = 100;

export interface Refusals {
  /** `place`: `host:port`. */
  note(place: string, why: string): void;
}

/** `file`: refusals that it already has, from the setup's proxy, are not recorded again. */
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
        // The disk is full: the log has the refusal.
      }
    },
  };
}
