/** The accounts that a service said take no more, in memory. */
import { limitedNow } from '../account-limit.ts';
import type { ChangeOf } from '../port.ts';
import type { AccountLimitRow } from '../rows.ts';
import { byText, createTable, type Undo } from './table.ts';

export function createAccounts(undo: Undo) {
  const rows = createTable<string, AccountLimitRow>(undo);
  return {
    isLimited: (account: string, at: number): boolean => (rows.get(account)?.until ?? 0) > at,
    limit(change: Omit<ChangeOf<'account.limit'>, 'do' | 'notice'>): boolean {
      const { row, isNews } = limitedNow(rows.get(change.account) ?? null, change);
      rows.set(row.account, row);
      return isNews;
    },
    free({ account, before }: Omit<ChangeOf<'account.free'>, 'do'>): void {
      if ((rows.get(account)?.since ?? before) < before) rows.remove(account);
    },
    list: (): AccountLimitRow[] => [...rows.all()].sort((a, b) => byText(a.account, b.account)),
  };
}
