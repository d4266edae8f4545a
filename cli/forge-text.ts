/** One line for each forge and each problem of it, whatever the number of repos there. */
import { duration } from '../machines/vocabulary/time-text.ts';
import type { ForgeEntry } from '../runtime/api/client/client.ts';
import { groupBy } from '../runtime/base/platform/group-by.ts';
import { plain } from './text.ts';

/** The problem, since when, what waits for it, and what to do. Forges that answer share one line. */
export function forgeLines(forges: readonly ForgeEntry[], nowMs: number): { isDown: boolean; text: string }[] {
  const down = forges.filter(({ state }) => state === 'down');
  const up = [...new Set(forges.filter(({ state }) => state === 'up').map(({ server }) => server))];
  const groups = groupBy(down, ({ server, reason }) => `${server}\n${reason}`);
  return [
    ...[...groups.values()].flatMap((group) => {
      const [first] = group;
      return first === undefined ? [] : [{ isDown: true, text: downText(first, group, nowMs) }];
    }),
    ...(up.length === 0 ? [] : [{ isDown: false, text: `forges that answer: ${up.map(plain).join(', ')}` }]),
  ];
}

function downText(first: ForgeEntry, group: readonly ForgeEntry[], nowMs: number): string {
  const sinceMs = Math.min(...group.map(({ since }) => Date.parse(since)));
  const plans = group.flatMap(({ project, waiting_plans: names }) => names.map((name) => `${project}/${name}`));
  const waits = plans.length === 0 ? '' : `; waiting for it: ${plans.join(', ')}`;
  const why = plain(`${first.reason}; ${first.hint}${waits}`);
  return `forge ${plain(first.server)} is down for ${duration(nowMs - sinceMs)}: ${why}`;
}
