/** The text for a person who stops watching a plan that another engine works on; the state is read at that moment. */
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import { goesOnText } from '../../runtime/base/platform/home-engine.ts';
import { isAbsence } from '../absence.ts';
import { brief } from '../text.ts';
import { outcomeOf } from './outcome.ts';
import type { WorkEnding } from './work.ts';

export async function detachedText(client: Client, { of }: WorkEnding): Promise<string> {
  if (of === undefined) return 'detached; nothing was started';
  const look = `stator plan show ${shellWord(of.plan)}`;
  try {
    const shown = await client.plan(of.project, of.plan);
    return `detached; ${standingText(shown, client)}; look at it with: ${look}`;
  } catch (thrown) {
    if (!isAbsence(thrown)) throw thrown;
    return `detached; its engine does not answer now: ${look}`;
  }
}

function standingText(shown: PlanShow, { engine }: Client): string {
  const outcome = outcomeOf(shown, []);
  if (outcome.kind !== 'goes-on') return outcome.text;
  const { waiting_for: waiting } = shown;
  const waits = waiting === null || waiting.kind === 'agent' ? '' : `; it waits: ${brief(waiting.detail)}`;
  return `${goesOnText(shown.plan, engine)}${waits}`;
}
