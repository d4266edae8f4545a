/** The active states of a snapshot, from its value as XState writes it. */

/** As XState writes it: a name, or names with what is within. */
export type ChartValue = string | { readonly [key: string]: ChartValue | undefined };

/** The ids of all active states of a snapshot's value, parents before their children. */
export function activeStateIds(value: ChartValue, within = ''): string[] {
  if (typeof value === 'string') return value === '' ? [] : [join(within, value)];
  return Object.entries(value).flatMap(([key, inner]) => {
    const id = join(within, key);
    return inner === undefined ? [id] : [id, ...activeStateIds(inner, id)];
  });
}

function join(within: string, key: string): string {
  return within === '' ? key : `${within}.${key}`;
}
