/** The size of the store on the disk: unused pages are released in steps. */
import type { StoreSize } from '../rows.ts';
import type { Database } from './db.ts';

export function createSpace(db: Database) {
  const number = (pragma: string): number => Number(db.pragma(pragma, { simple: true }));
  const pageBytes = number('page_size');

  return {
    size: (): StoreSize => ({
      bytes: number('page_count') * pageBytes,
      freeBytes: number('freelist_count') * pageBytes,
    }),
    giveBack(limitBytes: number): number {
      const before = number('freelist_count');
      if (before === 0) return 0;
      db.pragma(`incremental_vacuum(${Math.max(1, Math.floor(limitBytes / pageBytes))})`);
      return (before - number('freelist_count')) * pageBytes;
    },
  };
}
