/** The part of the queue that a verb is about: all of it, a repo, a plan of it, or one agent. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, QueueSwitched } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { requireProject } from '../place.ts';
import { planNamed, withClient, withNearest } from '../session.ts';
import { brief } from '../text.ts';

type QueuePart = NonNullable<Parameters<Client['pauseQueue']>[0]>;

export const partArgs = {
  plan: { type: 'string', valueHint: 'plan', description: 'only the agents of that plan' },
  agent: { type: 'string', valueHint: 'title', description: 'only that agent, as stator agent list shows it' },
} as const;

/**
 * Opens a client for a verb that pauses or resumes a part of the queue; without a name, all of it. `--project` alone is a repo. Throws `usage`,
 * `bad_repo` and the errors of `planNamed`.
 */
export async function withPart<Answer>(
  call: Call,
  said: Parameters<typeof saidPart>[2],
  use: (client: Client, part: QueuePart) => Promise<Answer>,
): Promise<Answer> {
  return withClient(call, 'write', async (client) => {
    const part = await saidPart(call, client, said);
    const { project, plan } = part;
    try {
      return await use(client, part);
    } catch (thrown) {
      throw project === undefined || plan === undefined ? thrown : await withNearest(thrown, { client, project, plan });
    }
  });
}

async function saidPart(
  call: Call,
  client: Client,
  { plan, agent }: { plan: string | undefined; agent: string | undefined },
): Promise<QueuePart> {
  if (plan === undefined && agent === undefined) return call.project === undefined ? {} : { project: call.project };
  if (plan !== undefined && agent !== undefined)
    throw new EngineError(
      'usage',
      '--plan and --agent do not go together',
      'the title of an agent names its plan: leave out --plan',
    );
  const project = requireProject(call);
  if (agent !== undefined) return { project, title: agent };
  return plan === undefined ? { project } : { project, plan: await planNamed(call, client, project, plan) };
}

/** `the queue`, `repo demo`, `plan demo/login`, `agent login-w1-t2`. */
export function partText(part: Pick<QueueSwitched, 'of' | 'project' | 'plan' | 'title'>): string {
  switch (part.of) {
    case 'queue':
      return 'the queue';
    case 'repo':
      return `repo ${part.project}`;
    case 'plan':
      return `plan ${part.project}/${part.plan}`;
    case 'agent':
      return `agent ${part.title}`;
  }
}

/** The number of waiting agents, as a sentence. */
export function waitText(pending: number): string {
  if (pending === 0) return 'nobody waits';
  return `${counted(pending, 'agent')} ${pending === 1 ? 'waits' : 'wait'}`;
}

/** The pauses and the agents that wait for them, one per line. */
export function pauseLines(pauses: QueueSwitched['pauses']): string[] {
  return pauses.map((pause) => {
    const more = pause.pending - pause.titles.length;
    const names = `${pause.titles.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    const who = pause.pending === 0 ? 'nobody waits for it' : `${waitText(pause.pending)} for it: ${brief(names)}`;
    return `paused: ${partText(pause)}; ${who}; go on with: ${resumeText(pause)}`;
  });
}

/** The command that ends a pause. */
export function resumeText(part: Pick<QueueSwitched, 'of' | 'project' | 'plan' | 'title'>): string {
  const what = { queue: '', repo: '', plan: ` --plan ${part.plan}`, agent: ` --agent ${part.title}` }[part.of];
  return `stator queue resume${what}${part.of === 'queue' ? '' : ` --project ${shellWord(part.project ?? '')}`}`;
}
