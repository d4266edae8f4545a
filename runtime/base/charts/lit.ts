/** The ids of the states in an XState value. */

/** As XState writes it: a name, or names with what is within. */
export type ChartValue = string | { readonly [key: string]: ChartValue | undefined };

/** The ids of all active states of a snapshot's value, parents before their children. */
export function litStates(value: ChartValue, within = ''): string[] {
  if (typeof value === 'string') return value === '' ? [] : [join(within, value)];
  return Object.entries(value).flatMap(([key, inner]) => {
    const id = join(within, key);
    return inner === undefined ? [id] : [id, ...litStates(inner, id)];
  });
}

function join(within: string, key: string): string {
  return within === '' ? key : `${within}.${key}`;
}
