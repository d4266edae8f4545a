/** Why an account takes no new agents: the service takes no more, or its reserve is kept back. `used`: how much of its limit is used, between 0 and 1. */
export function accountStateText(account: string, used: number | null): string {
  if (used === null) return `account ${account} is rate limited`;
  return `account ${account} has used ${Math.round(used * 100)}% of its limit, and the rest is its reserve`;
}
