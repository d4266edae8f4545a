/** The refs of a plan at the remote of its repository, where several hosts share the store: another host can go on from there. */
import type { AgentRun, EffectKind, RefsPush } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isWorker, repoTree } from '../../../machines/vocabulary/ids.ts';
import type { Handler } from '../../core/outbox/handler.ts';
import type { Change } from '../../core/store/port.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { hasRemote, shareRefs } from '../git/shared-refs.ts';
import type { EffectParts } from './workplace.ts';

const movesRefs: ReadonlySet<EffectKind> = new Set([
  'agent.run',
  'work.commit',
  'work.merge',
  'work.undo',
  'branch.archive',
  'branch.base',
]);

/** What is asked for with the end of an effect that may have moved refs. It belongs to the tree of the repo: no plan waits for it. */
export function pushAfter({ id, kind, project, plan, payload }: EffectRow, at: number): readonly Change[] {
  if (!movesRefs.has(kind)) return [];
  // The commit of what a worker left follows, also where it failed.
  if (kind === 'agent.run' && isWorker((JSON.parse(payload) as AgentRun).role)) return []; // of that kind
  const effect: RefsPush = { kind: 'refs.push', id: `push#${id}`, plan };
  return [{ do: 'effect.insert', tree: repoTree(project), effect, priority: 0, at }];
}

/** Whatever keeps it from being pushed is waited for, and said meanwhile; no try is spent. A repository without a remote has nothing to push to. */
export function createRefsPush({ store, projects }: EffectParts): Handler<RefsPush> {
  return async ({ plan }, { row: { project } }) => {
    const branch = (await store.plan(project, plan))?.branch ?? null;
    if (branch === null) return { type: null };
    projects.mustBeTrusted(project);
    const repository = await projects.repository(project);
    try {
      if (await hasRemote(repository)) await shareRefs(repository, { project, plan, branch });
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      throw new EngineError('unreachable', thrown.message, thrown.hint, { cause: thrown });
    }
    return { type: null };
  };
}
