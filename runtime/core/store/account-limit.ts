/** When a limit of an account is the one of before. */
import type { AccountLimitRow } from './rows.ts';

/** A service that does not say when its limit is over is asked again, and says the same: so long after the end it was no other one. */
const sameLimitMs = 1_800_000;

/** Whether a limit that is said at that time is the one that is known. */
export function isSameLimit(known: Pick<AccountLimitRow, 'until'>, at: number): boolean {
  return at < known.until + sameLimitMs;
}

/** The row as it is to be now, and whether people are to be told. */
export function limitedNow(
  before: AccountLimitRow | null,
  { account, until, at }: Omit<AccountLimitRow, 'since'> & { readonly at: number },
): { readonly row: AccountLimitRow; readonly isNews: boolean } {
  const isSame = before !== null && isSameLimit(before, at);
  if (!isSame) return { row: { account, since: at, until }, isNews: true };
  return { row: { account, since: before.since, until: Math.max(before.until, until) }, isNews: false };
}
