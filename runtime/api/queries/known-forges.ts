/** Whether a repo has a forge, so that a pull request can be offered; the answer is reused for a few seconds. */
import { EngineError, onOneLine, reasonOf } from '../../../machines/vocabulary/errors.ts';
import { later } from '../../base/platform/later.ts';
import type { ViewDependencies } from './view-dependencies.ts';

const loadRepoForge = later(() => import('../../work/forges/repo-forge.ts'));

const forgeKnownMs = 10_000;

export const isRequest = (type: string) => type === 'create_pr';

export type KnownForges = ReturnType<typeof createKnownForges>;

export function createKnownForges({ home, projects }: Pick<ViewDependencies, 'home' | 'projects'>) {
  const forges = new Map<string, { missing: Promise<string | null>; untilMs: number }>();

  /** Why no pull request can be made; null: a forge is known. One without its token is known: the plan says what is missing. */
  function missingForge(project: string): Promise<string | null> {
    const known = forges.get(project);
    if (known !== undefined && known.untilMs > performance.now()) return known.missing;
    // The plans of a list ask at once, and all get the first answer.
    const missing = lookForForge(project);
    forges.set(project, { missing, untilMs: performance.now() + forgeKnownMs });
    // An error is no answer for those who ask later.
    missing.catch(() => forges.delete(project));
    return missing;
  }

  async function lookForForge(project: string): Promise<string | null> {
    const { forgeSiteOf, reposWithRequests } = await loadRepoForge();
    const whyNot = async (repo: string): Promise<string | null> => {
      try {
        await forgeSiteOf({ home, repo: (await projects.repository(repo)).path });
        return null;
      } catch (thrown) {
        return thrown instanceof EngineError && thrown.code !== 'no_forge' ? null : onOneLine(reasonOf(thrown));
      }
    };
    const found = await Promise.all(reposWithRequests(projects, project).map(whyNot));
    // A member without a forge matters only to a plan that changes it.
    return found.includes(null) ? null : found.join('; ');
  }

  /** The given signals, without the request where no forge is known. */
  async function withForge<Type extends string>(project: string, types: readonly Type[]): Promise<Type[]> {
    const isMissing = types.some(isRequest) && (await missingForge(project)) !== null;
    return types.filter((type) => !isMissing || !isRequest(type));
  }

  return { missingForge, withForge };
}
