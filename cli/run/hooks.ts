/** Deliveries to hooks that are still open when a run leaves that owned the engine: they get some time, then the rest is listed. */
import { counted } from '../../machines/vocabulary/numbers.ts';
import type { Client, DeliveryEntry } from '../../runtime/api/client/client.ts';
import { pause } from '../../runtime/base/platform/pause.ts';
import type { Display } from './display.ts';

interface Telling {
  readonly client: Client;
  readonly project: string;
  readonly display: Pick<Display, 'say'>;
  readonly interrupted: AbortSignal;
}

const limitMs = 30_000;
const pollMs = 50;
const shownLimit = 10;

/** Resolves when nothing can be delivered now, after 30 s, or with Ctrl-C; returns the rest, which the next engine delivers. */
export async function tellHooks({ client, project, display, interrupted }: Telling): Promise<void> {
  const untilMs = performance.now() + limitMs;
  const pending = () => client.deliveries({ project, state: 'pending' });
  let left = await pending();
  while (left.length > 0 && mayGoNow(left) && performance.now() < untilMs && !interrupted.aborted) {
    await pause(pollMs, interrupted);
    left = await pending();
  }
  if (left.length === 0) return;
  display.say(`${counted(left.length, 'hook')} not told yet; the next engine goes on (stator daemon start, or run):`);
  for (const { hook, plan, event, last_error: error } of left.toReversed().slice(0, shownLimit))
    display.say(`  ${hook}: ${event} of ${plan}${error === null ? '' : `, ${error}`}`);
  if (left.length > shownLimit) display.say('  all of them: stator hook deliveries --state pending');
}

/** Whether one of them is not waiting for its next try, or behind one that is: those of a plan to a hook go one after the other. Newest first. */
function mayGoNow(deliveries: readonly DeliveryEntry[]): boolean {
  const first = new Map(deliveries.map((entry) => [JSON.stringify([entry.plan, entry.hook]), entry]));
  return [...first.values()].some((entry) => entry.next_at === null);
}
