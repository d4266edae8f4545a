/** `stator instance logs`. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../runtime/control/client.ts';
import { isAbsence } from '../absence.ts';
import { type Call, defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { plainLines } from '../text.ts';
import { findInstance } from './view.ts';

/** Quick enough to read along, slow enough to cost nothing. */
const followMs = 500;
/** What two looks at a log are laid over each other by. */
const overlapLength = 2_000;

export default defineVerb({
  summary: 'What an agent said, at most its last 64 KiB.',
  args: {
    title: { type: 'positional', description: 'as stator instance list shows it' },
    follow: { type: 'boolean', alias: 'f', description: 'go on until the agent is final' },
  },
  examples: ['stator instance logs login-w1-t2 -f'],
  async run({ title, follow = false }, call) {
    const follower: Follower = { call, project: requireProject(call), title, follow, seen: '' };
    // The engine may go while its agent goes on: then the log is read as it lies.
    while (!(await readAlong(follower))) await delay(followMs);
    return 0;
  },
});

interface Follower {
  readonly call: Call;
  readonly project: string;
  readonly title: string;
  readonly follow: boolean;
  seen: string;
}

/** True when all is said; false when the engine went away in between. */
function readAlong(follower: Follower): Promise<boolean> {
  const { call, project, title, follow } = follower;
  return withClient(call, 'read', async (client) => {
    try {
      for (;;) {
        // The state first: what is said between the two looks is then in the text.
        const isFinal = (await hasEnded(client, project, title)) || !follow;
        const text = await client.capture(project, title);
        tell(call, { title, text: newPart(follower.seen, text) }, isFinal && follower.seen === '');
        if (isFinal) return true;
        follower.seen = text;
        await delay(followMs);
      }
    } catch (thrown) {
      if (follow && isAbsence(thrown)) return false;
      throw thrown;
    }
  });
}

async function hasEnded(client: Client, project: string, title: string): Promise<boolean> {
  const { state } = findInstance(await client.instances({ project }), title);
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}

function tell({ out }: Call, { title, text }: { title: string; text: string }, isWhole: boolean): void {
  if (out.json) {
    if (text !== '' || isWhole) out.print(JSON.stringify({ title, text }));
    return;
  }
  const shown = plainLines(text);
  out.stdout.write(isWhole && shown !== '' && !shown.endsWith('\n') ? `${shown}\n` : shown);
}

/** What `next` has beyond `seen`: both are the end of the same growing text. */
export function newPart(seen: string, next: string): string {
  if (next.startsWith(seen)) return next.slice(seen.length);
  const tail = seen.slice(-overlapLength);
  const at = next.lastIndexOf(tail);
  return at < 0 ? next : next.slice(at + tail.length);
}
