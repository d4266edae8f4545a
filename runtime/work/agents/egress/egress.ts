/**
 * The process outside of the walls through which a run with `network = "hosts"` reaches its hosts: `egress <settings> <program> [argument]...`; the program
 * builds the walls. It is a part of the run: it lives as long as the run, even without an engine.
 */
import { appendFileSync, chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { standFor } from './child.ts';
import { createEgress } from './proxy.ts';
import type { EgressSettings } from './settings.ts';

const [file = '', ...words] = process.argv.slice(2);
const settings: EgressSettings = JSON.parse(readFileSync(file, 'utf8')); // the engine wrote it
const refusals = createRefusals(settings.refusals, (line) => process.stderr.write(`${line}\n`));
const server = createEgress({ rules: settings.hosts, onRefused: refusals.note });
server.once('error', (error) => {
  process.stderr.write(`stator: network: the proxy could not be opened: ${error.message}\n`);
  process.exit(126);
});
process.stderr.on('error', () => {});
// The socket of the worktree setup's proxy.
rmSync(settings.socket, { force: true });
server.listen(settings.socket, () => {
  chmodSync(settings.socket, 0o600);
  standFor(words);
});

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
