/** Plans that wait for each other. */

/** The circle in which a plan waits for itself, from it to it; null: there is none. Pure. */
export function circleOf(
  plan: string,
  plans: readonly { readonly plan: string; readonly after: readonly string[] }[],
): string[] | null {
  const seen = new Set<string>();
  const paths = [[plan]];
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const last = path.at(-1);
    for (const next of plans.find((each) => each.plan === last)?.after ?? []) {
      if (next === plan) return [...path, plan];
      if (seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  }
  return null;
}
