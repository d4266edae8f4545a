/** The accounts that a service said take no more. */
import { limitedNow } from '../account-limit.ts';
import type { ChangeOf } from '../port.ts';
import type { AccountLimitRow } from '../rows.ts';
import type { Database } from './db.ts';

const columns = 'account, since, until';

export function createAccountTable(db: Database) {
  const read = db.prepare<[string], AccountLimitRow>(`SELECT ${columns} FROM account_limits WHERE account = ?`);
  const list = db.prepare<[], AccountLimitRow>(`SELECT ${columns} FROM account_limits ORDER BY account`);
  const write = db.prepare(
    `INSERT INTO account_limits (${columns}) VALUES (@account, @since, @until)
     ON CONFLICT (account) DO UPDATE SET since = excluded.since, until = excluded.until`,
  );
  const free = db.prepare('DELETE FROM account_limits WHERE account = ? AND since < ?');

  return {
    isLimited: (account: string, at: number): boolean => (read.get(account)?.until ?? 0) > at,
    limit(change: Omit<ChangeOf<'account.limit'>, 'do' | 'notice'>): boolean {
      const { row, isNews } = limitedNow(read.get(change.account) ?? null, change);
      write.run(row);
      return isNews;
    },
    free: ({ account, before }: Omit<ChangeOf<'account.free'>, 'do'>): void => void free.run(account, before),
    list: (): AccountLimitRow[] => list.all(),
  };
}
