/** The store of a simulated home: one connection that outlives its engines, or a file that a power failure sets back to its last sync. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Faults } from '../../runtime/base/platform/faults.ts';
import type { Change, Store } from '../../runtime/core/store/port.ts';
import { isSynced, openStore } from '../../runtime/core/store/sqlite/store.ts';

export interface Disk {
  readonly store: () => Store;
  /** Call it before a commit: the present state on disk is saved if this commit will not be synced. */
  beforeCommit(changes: readonly Change[]): void;
  /** `share` of the unsynced data reached the disk, cut at any position. */
  losePower(share: number): void;
  close(): void;
}

export function createDisk(kind: 'memory' | 'file', faults: Faults): Disk {
  return kind === 'memory' ? inMemory(faults) : onFile(faults);
}

function inMemory(faults: Faults): Disk {
  const store = openStore('/simulation', { isAbsent: true, faults });
  return { store: () => store, beforeCommit: () => {}, losePower: () => {}, close: () => store.close() };
}

/** Syncing is simulated, so the real disk is not waited for. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const name = 'taskstore.db';
const parts = ['', '-wal'];

function onFile(faults: Faults): Disk {
  const home = mkdtempSync(join(folder, 'stator-simulation-'));
  const kept = join(home, 'kept');
  let store = openStore(home, { faults });
  let isKept = false;

  function copy(from: string, to: string): void {
    for (const part of parts) {
      if (statSync(`${from}${part}`, { throwIfNoEntry: false }) === undefined) rmSync(`${to}${part}`, { force: true });
      else copyFileSync(`${from}${part}`, `${to}${part}`);
    }
  }

  return {
    store: () => store,
    beforeCommit(changes) {
      if (isSynced(changes)) isKept = false;
      else if (!isKept) {
        copy(join(home, name), kept);
        isKept = true;
      }
    },
    losePower(share) {
      const file = join(home, name);
      const now = join(home, 'now');
      copy(file, now);
      // Closing checkpoints the log, so the files are restored afterwards.
      store.close();
      if (isKept) tear({ from: kept, to: now, share });
      for (const part of ['', '-wal', '-shm']) rmSync(`${file}${part}`, { force: true });
      copy(isKept ? kept : now, file);
      isKept = false;
      store = openStore(home, { faults });
    },
    close() {
      store.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A part of the data that was added to the log since then reached the disk. */
function tear({ from, to, share }: { from: string; to: string; share: number }): void {
  const [before, after] = [readOrEmpty(`${from}-wal`), readOrEmpty(`${to}-wal`)];
  const isLonger = after.length > before.length && after.subarray(0, before.length).equals(before);
  if (!isLonger) return;
  const length = before.length + Math.floor((after.length - before.length) * share);
  writeFileSync(`${from}-wal`, after.subarray(0, length));
}

function readOrEmpty(file: string): Buffer {
  return statSync(file, { throwIfNoEntry: false }) === undefined ? Buffer.alloc(0) : readFileSync(file);
}
