/** Decides whether a reported limit of an account is already known. */
import type { AccountLimitRow } from './rows.ts';

/** A service that does not report when its limit ends is asked again, and answers the same: a limit within this time after the end is the same one. */
const sameLimitMs = 1_800_000;

/** Whether a limit that is reported at that time is the known one. */
export function isSameLimit(known: Pick<AccountLimitRow, 'until'>, at: number): boolean {
  return at < known.until + sameLimitMs;
}

/** The new row, and whether people are to be notified. */
export function limitedNow(
  before: AccountLimitRow | null,
  { account, until, used, at }: Omit<AccountLimitRow, 'since'> & { readonly at: number },
): { readonly row: AccountLimitRow; readonly isNews: boolean } {
  const isSame = before !== null && isSameLimit(before, at);
  if (!isSame) return { row: { account, since: at, until, used }, isNews: true };
  // "Only its reserve is left" is a weaker report than "the service takes no more".
  const isRefused = before.used === null && at < before.until;
  const row = { account, since: before.since, until: Math.max(before.until, until), used: isRefused ? null : used };
  return { row, isNews: false };
}
