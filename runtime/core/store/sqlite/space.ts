/** The space that the store takes on the disk: unused pages are given back in steps. */
import type { StoreSize } from '../rows.ts';
import { type Database, giveBackInSteps } from './db.ts';

const incremental = 2;

export function createSpace(db: Database) {
  const number = (pragma: string): number => Number(db.pragma(pragma, { simple: true }));
  const pageBytes = number('page_size');
  const givesBack = (): boolean => number('auto_vacuum') === incremental;

  return {
    size: (): StoreSize => ({
      bytes: number('page_count') * pageBytes,
      freeBytes: number('freelist_count') * pageBytes,
      givesBack: givesBack(),
    }),
    giveBack(limitBytes: number): number {
      const before = number('freelist_count');
      if (before === 0 || !givesBack()) return 0;
      db.pragma(`incremental_vacuum(${Math.max(1, Math.floor(limitBytes / pageBytes))})`);
      return (before - number('freelist_count')) * pageBytes;
    },
    /** Another program that writes meanwhile finds it locked; one that reads goes on with its earlier state. */
    rebuild(): void {
      giveBackInSteps(db);
      db.exec('VACUUM');
      db.pragma('wal_checkpoint(TRUNCATE)');
    },
  };
}
