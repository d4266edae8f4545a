/** Names of hosts, and their labels. */

/** Letters, digits, `.`, `_` and `-`, 63 at most, the first a letter or digit, as in names of machines. */
export function isHostName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name);
}
