/** Of a share between 0 and 1; null stays null. */
export function percentOf(share: number | null): number | null {
  return share === null ? null : Math.round(share * 100);
}

/** Why an account takes no new agents: `usedPercent` of its limit is used and the rest is its reserve, or, where that is null, the service takes no more. */
export function accountStateText(account: string, usedPercent: number | null): string {
  if (usedPercent === null) return `account ${account} is rate limited`;
  return `account ${account} has used ${usedPercent}% of its limit, and the rest is its reserve`;
}
