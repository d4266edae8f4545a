/** Queues work that a message describes. */
import type { Call } from '../command.ts';
import { projectHere } from '../place.ts';
import { withClient } from '../session.ts';
import { printStarted, written } from './ask.ts';

/**
 * Works on the issue that the message names and continues its session, if there is one; otherwise works in the repo of this folder. Returns the exit
 * code.
 */
export async function delegate(call: Call, said: string): Promise<number> {
  const message = written(said, 'message');
  const answer = await withClient(call, 'write', async (client) => {
    const here = call.project ?? projectHere(call);
    const isKnown = here !== null && (await client.repos()).some(({ project }) => project === here);
    return client.delegate({ message, ...(isKnown || call.project !== undefined ? { project: here ?? '' } : {}) });
  });
  return printStarted(call, answer, true);
}
