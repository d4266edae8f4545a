/** The pages that a commit writes into the store's log: each costs a checksum, a write and a share of a checkpoint. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planTree } from '../../machines/vocabulary/ids.ts';
import type { Change } from '../../runtime/core/store/port.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

/** A page in the log: its own 4 KiB and a header. */
const frameBytes = 4_096 + 24;

it('a step that makes a long snapshot a little longer writes the pages of its row and no other', async () => {
  const home = mkdtempSync(join(tmpdir(), 'stator-'));
  const store = openStore(home);
  try {
    const log = () => statSync(`${store.file}-wal`).size;
    const write = async (step: number, length: number) => {
      const stored = { machine: 'plan', version: 'plan:1', text: JSON.stringify({ word: 'x'.repeat(length) }) };
      const before = log();
      await store.commit([
        { do: 'tree.write', address: planTree('demo', 'p'), stored, before: step, after: step + 1, at: 1 },
      ]);
      return (log() - before) / frameBytes;
    };
    await write(0, 6_600);
    // The numbers of its steps take no space while they are 0 or 1.
    await write(1, 6_600);
    // The row's page, and its overflow page.
    expect(await write(2, 6_601)).toBe(2);
    expect(await write(3, 6_590)).toBe(2);
    expect((await store.tree(planTree('demo', 'p')))?.stored.snapshot).toEqual({ word: 'x'.repeat(6_590) });
  } finally {
    store.close();
    rmSync(home, { recursive: true });
  }
});

it('what a run that is under way comes to, and what people are notified, writes one page each', async () => {
  const home = mkdtempSync(join(tmpdir(), 'stator-'));
  const store = openStore(home);
  try {
    const pagesOf = async (change: Change) => {
      const before = statSync(`${store.file}-wal`).size;
      await store.commit([change]);
      return (statSync(`${store.file}-wal`).size - before) / frameBytes;
    };
    const run = { key: 'k', project: 'demo', plan: 'p', run: 'r', title: 't', role: 'coder', attempt: 1, branch: 'b' };
    const shown = (state: string, isNewest = false): Change => ({
      ...{ do: 'run.show', run: { ...run, state, reason: null }, isNewest, at: 1 },
    });
    const told: Change = {
      ...{ do: 'notification.insert', type: 'task_queued', project: 'demo', plan: 'p', message: 'm', at: 1 },
    };
    await store.commit([shown('queued', true), told]);
    expect(await pagesOf(shown('starting'))).toBe(1);
    expect(await pagesOf(shown('running'))).toBe(1);
    expect(await pagesOf(told)).toBe(1);
  } finally {
    store.close();
    rmSync(home, { recursive: true });
  }
});
