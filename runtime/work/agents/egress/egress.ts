/**
 * The process outside of the walls through which a run with `network = "hosts"` reaches its hosts: `egress <settings> <program> [argument]...`; the program
 * builds the walls. It is a part of the run: it lives as long as the run, even without an engine.
 */
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { runInPlace } from './child.ts';
import { createEgress } from './proxy.ts';
import { createRefusals } from './refusals.ts';
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
  runInPlace(words);
});
