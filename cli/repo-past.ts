/** The store's data about a repo's earlier plans, for verbs that read a document. */
import type { RepoPast } from '../runtime/api/client/client.ts';
import { connect } from '../runtime/engine/connect.ts';
import type { Call } from './command.ts';

/** null: the repo is not registered. Throws as `connect` does. */
export async function repoPastOf(
  { env, project }: Pick<Call, 'env' | 'project'>,
  repo: string | null,
): Promise<RepoPast | null> {
  const client = await connect({ env, mode: 'read' });
  try {
    const known = await client.repos();
    const found = known.find((each) => (project === undefined ? each.path === repo : each.project === project));
    return found === undefined ? null : await client.repoPast({ project: found.project });
  } finally {
    await client.close();
  }
}
