/** After a kill at any line of a commit, the store has all of the commit or nothing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultPoints } from '../../runtime/base/platform/faults.ts';
import type { Change } from '../../runtime/core/store/port.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

const script = fileURLToPath(new URL('../support/scripts/store-crash.mjs', import.meta.url));
const tree = 'plan:a/p';
let home = '';

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stator-store-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A requested signal, or the result of a step. */
const signal: Change = { do: 'signal.insert', tree, type: 'run_exited', payload: {}, origin: 'engine', at: 1 };
const line = {
  at: 1,
  tree,
  signal: 1,
  type: 't',
  origin: 'engine',
  actor: '',
  event: 'e',
  from: 'x',
  to: 'y',
} as const;
const step: readonly Change[] = [
  {
    do: 'tree.write',
    address: tree,
    stored: { machine: 'plan', version: '1', text: '{}' },
    before: 0,
    after: 1,
    at: 1,
  },
  { do: 'journal.append', line: { ...line, effects: [], refused: null }, input: '{}' },
  signal,
  { do: 'signal.finish', id: 1, status: 'done', result: 'done', at: 1 },
];

describe('a store that is killed in a commit', () => {
  for (const point of faultPoints.filter((name) => name.startsWith('store.'))) {
    const isAll = point === 'store.after-commit';
    it(`at ${point} has ${isAll ? 'all' : 'nothing'} of it`, async () => {
      const killed = spawnSync(process.execPath, [script, JSON.stringify({ home, point, changes: [[signal], step] })]);
      expect(killed.signal, killed.stderr.toString()).toBe('SIGKILL');
      const store = openStore(home);
      expect(await store.signal(1)).toMatchObject({ status: isAll ? 'done' : 'pending' });
      expect((await store.tree(tree))?.steps ?? 0).toBe(isAll ? 1 : 0);
      expect(await store.lastLine()).toBe(isAll ? 1 : 0);
      expect((await store.signals({})).length).toBe(isAll ? 2 : 1);
      expect((await store.commit(step)).status).toBe(isAll ? 'lost' : 'committed');
      store.close();
    });
  }
});
