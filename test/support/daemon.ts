/** Real daemons in temporary homes, started by the built command, and killed at the end of their test. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type Client, createClient } from '../../runtime/api/client/client.ts';
import type { OwnerFacts } from '../../runtime/core/store/sqlite/owner.ts';
import { readOwner } from '../../runtime/core/store/sqlite/owner.ts';
import { type Terminal, terminal } from './cli.ts';
import { until } from './ground.ts';
import { killLeft, processesWith } from './leftovers.ts';
import { copyTemplate, initialise, type Template } from './template.ts';

const homes: string[] = [];

// Registered after the hook of the terminals, so it runs before that one: their homes still exist.
afterEach(async () => {
  for (const home of homes.splice(0)) {
    const owner = ownerOf(home);
    if (owner === null || owner.pid === process.pid) continue;
    killLeft(
      processesWith((entries) => entries.includes(`STATOR_HOME=${home}`)).filter(({ pid }) => pid === owner.pid),
    );
    await until(() => ownerOf(home) === null);
  }
});

export interface DaemonGround extends Terminal {
  /** Writes daemon.toml. */
  configure(text: string): void;
  /** A client for the present owner of the home. */
  client(): Client;
  owner(): OwnerFacts | null;
}

/** `sh` agents, one attempt each. */
export const shAgents = 'blueprint_skip_threshold = 0\n[agents.default]\npreset = "sh"\nattempts = 1\n';

export function daemonGround(config = shAgents): DaemonGround {
  const made = terminal();
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  homes.push(made.home);
  const configure = (text: string) => writeFileSync(join(made.home, 'daemon.toml'), text);
  configure(config);
  return {
    ...made,
    configure,
    owner: () => ownerOf(made.home),
    client() {
      const socket = ownerOf(made.home)?.socketPath;
      if (socket === null || socket === undefined) throw new Error('nobody listens');
      return createClient(callSocket(socket, undefined), { note: null, close: async () => {} });
    },
  };
}

function ownerOf(home: string): OwnerFacts | null {
  return existsSync(join(home, 'owner.db')) ? readOwner(home) : null;
}

/** Another repository beside the first, with one commit. */
export function makeRepo(path: string): string {
  copyTemplate(emptyCommit, path);
  return path;
}

const emptyCommit: Template = {
  name: 'empty-commit',
  make(folder) {
    initialise(folder, { name: 'Ada', email: 'ada@example.com' });
    execFileSync('git', ['commit', '-q', '--allow-empty', '-m', 'begin'], { cwd: folder });
  },
};

export function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false; // gone
  }
}
