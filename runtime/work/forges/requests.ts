/** Finds or makes a pull request, and reads it from its forge. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Forge, NewPullRequest, PullRequest } from './forge.ts';

export async function requestAt(forge: Forge, number: number): Promise<PullRequest> {
  const found = await forge.pullRequest(number);
  if (found === 'unchanged') throw new Error('a pull request was asked for without an etag');
  return found;
}

/** The request of that number for that branch; null: the remote names another repository now, where the number is another request's. */
export async function requestOf(
  forge: Forge,
  { number, branch }: { readonly number: number; readonly branch: string },
): Promise<PullRequest | null> {
  const found = await requestAt(forge, number).catch((thrown: unknown) => {
    if (thrown instanceof EngineError && thrown.code === 'not_found') return null;
    throw thrown;
  });
  if (found === null) return null;
  // Where the branch is gone, Gitea names a ref in its place.
  return found.head === branch || found.head.startsWith('refs/') ? found : null;
}

/** A request that a person made meanwhile, or that our earlier try made before its answer was lost, is used. */
export async function makeOrFind(forge: Forge, wanted: NewPullRequest): Promise<PullRequest> {
  try {
    return await forge.createPullRequest(wanted);
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code !== 'forge_refused') throw thrown;
    const twin = await forge.findPullRequest(wanted.head);
    if (twin === null) throw thrown;
    return twin;
  }
}
