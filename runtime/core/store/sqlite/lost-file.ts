/**
 * Whether the files of an open store are still those that its name leads to. SQLite goes on writing into a file that was deleted, without a
 * word, and what it writes is lost with the process.
 */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { StoreTrouble } from '../port.ts';
import type { Database } from './db.ts';

export interface OpenFiles {
  /** Null while all is as it was opened. Once it is not, this connection is of no use any more, whatever comes back. Two stats: cheap enough around every commit. */
  loss(): StoreTrouble | null;
}

/** To be called when the database has been read: then its log is there. */
export function watchOpenFiles(db: Database, file: string): OpenFiles {
  const log = `${file}-wal`;
  const opened = { file: identityOf(file), log: identityOf(log) };
  let found: StoreTrouble | null = null;

  /** What the log has is brought into the file, so that nothing that was committed depends on a log that nobody else can find. */
  function foldLog(): boolean {
    try {
      const [answer] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[]; // one row, says SQLite
      return answer?.busy === 0;
    } catch {
      return false; // a full disk, or a reader in the way: what is lost is told all the same
    }
  }

  return {
    loss() {
      if (found !== null || !db.open) return found;
      const isFileThere = identityOf(file) === opened.file;
      if (isFileThere && identityOf(log) === opened.log) return null;
      const isWhole = foldLog();
      found = isFileThere ? lostLog(log, isWhole) : lostFile(file);
      return found;
    },
  };
}

function lostFile(file: string): StoreTrouble {
  return new StoreTrouble(
    'store_unreadable',
    `${file} was deleted or replaced while it was open: nothing more is written to it`,
    `put it back, or a backup of it; a daemon then goes on by itself; start everything else again; to begin anew without it: stator daemon restart`,
  );
}

function lostLog(log: string, isWhole: boolean): StoreTrouble {
  const saved = isWhole ? 'what it had is saved in the store' : 'what it had could not be saved in the store';
  return new StoreTrouble(
    'store_unreadable',
    `${log} was deleted or replaced while the store was open: ${saved}, and nothing more is written before it is opened again`,
    `a daemon opens it again by itself; start everything else again; leave ${basename(log)} to stator: it is part of the store`,
  );
}

/** Null: there is no such file. While a file is open its number is not given to another one. */
function identityOf(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
