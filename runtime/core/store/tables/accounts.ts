/** The accounts that have reached a limit of their service. */
import { limitedNow } from '../account-limit.ts';
import type { ChangeOf } from '../port.ts';
import type { AccountLimitRow, AccountQuotaRow } from '../rows.ts';
import { type Answer, answered, type Connection } from './connection.ts';

const columns = 'account, since, until, used';

export function createAccountTable(db: Connection) {
  const read = db.prepare<[string], AccountLimitRow>(`SELECT ${columns} FROM account_limits WHERE account = ?`);
  const list = db.prepare<[], AccountLimitRow>(`SELECT ${columns} FROM account_limits ORDER BY account`);
  const write = db.prepare<[AccountLimitRow]>(
    `INSERT INTO account_limits (${columns}) VALUES (@account, @since, @until, @used)
     ON CONFLICT (account) DO UPDATE SET since = excluded.since, until = excluded.until, used = excluded.used`,
  );
  const free = db.prepare('DELETE FROM account_limits WHERE account = ? AND since < ?');

  const forget = db.prepare('DELETE FROM account_quotas WHERE until <= ?');
  const note = db.prepare<[AccountQuotaRow]>(
    `INSERT INTO account_quotas (account, span, used, until, at) VALUES (@account, @span, @used, @until, @at)
     ON CONFLICT (account, span) DO UPDATE SET used = excluded.used, until = excluded.until, at = excluded.at
     WHERE excluded.at >= account_quotas.at`,
  );
  const quotas = db.prepare<[], AccountQuotaRow>(
    'SELECT account, span, used, until, at FROM account_quotas ORDER BY account, until, span',
  );

  return {
    isLimited: (account: string, at: number): Answer<boolean> =>
      answered(read.get(account), (row) => (row?.until ?? 0) > at),
    limit(change: Omit<ChangeOf<'account.limit'>, 'do' | 'notice'>): Answer<boolean> {
      return answered(read.get(change.account), (known) => {
        const { row, isNews } = limitedNow(known ?? null, change);
        return answered(write.run(row), () => isNews);
      });
    },
    free: ({ account, before }: Omit<ChangeOf<'account.free'>, 'do'>) => free.run(account, before),
    list: () => list.all(),
    note: ({ account, span, used, until, at }: AccountQuotaRow): Answer<unknown> =>
      answered(forget.run(at), () => note.run({ account, span, used, until, at })),
    quotas: () => quotas.all(),
  };
}
