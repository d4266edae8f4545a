/** Queues work that a message alone describes. */
import type { Call } from '../command.ts';
import { projectHere } from '../place.ts';
import { withClient } from '../session.ts';
import { tellStarted, written } from './ask.ts';

/** On the issue that the message names, whose session continues where there is one; else in the repo of this folder. Answers the exit code. */
export async function delegate(call: Call, said: string): Promise<number> {
  const message = written(said, 'message');
  const answer = await withClient(call, 'write', async (client) => {
    const here = call.project ?? projectHere(call);
    const isKnown = here !== null && (await client.repos()).some(({ project }) => project === here);
    return client.delegate({ message, ...(isKnown || call.project !== undefined ? { project: here ?? '' } : {}) });
  });
  return tellStarted(call, answer, true);
}
