/** The agent that a verb names by its title. */
import type { Client, InstanceEntry } from '../runtime/api/client/client.ts';
import type { Call } from './command.ts';
import { findInstance } from './instance/view.ts';
import { requireProject } from './place.ts';
import { withEngine } from './session.ts';

export const titleArg = { type: 'positional', description: 'as stator agent list shows it' } as const;

export interface AgentAddress {
  readonly project: string;
  readonly plan: string;
  readonly title: string;
}

/** The agent of a repo with that title, however many newer ones there are. Throws `not_found` with the nearest title. */
export async function namedAgent(
  client: Client,
  { project, title }: Pick<AgentAddress, 'project' | 'title'>,
): Promise<InstanceEntry> {
  const [found] = await client.instances({ project, title });
  return found ?? findInstance(await client.instances({ project }), title);
}

/**
 * Opens a client for a signal to that agent. `does` completes “nobody can …”. Throws `no_daemon` if no engine runs, and `not_found` with the nearest
 * title.
 */
export async function withAgent<Answer>(
  call: Call,
  { title, does }: { readonly title: string; readonly does: string },
  use: (client: Client, address: AgentAddress) => Promise<Answer>,
): Promise<Answer> {
  const project = requireProject(call);
  // Without an engine, nothing notices that the process ends, or starts the next one.
  const also = 'or pause the plan: stator plan pause <plan>';
  return withEngine(call, { so: `nobody can ${does} ${title}`, also }, async (client) => {
    const { plan } = await namedAgent(client, { project, title });
    return use(client, { project, plan, title });
  });
}
