/** Pushes a plan's refs to its repository's remote if several hosts share the store: another host can then continue. */
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

/** The push that is requested at the end of an effect that may have moved refs. It belongs to the repo's tree: no plan waits for it. */
export function pushAfter({ id, kind, project, plan, payload }: EffectRow, at: number): readonly Change[] {
  if (!movesRefs.has(kind)) return [];
  // A commit of the worker's files follows, even after a failure.
  if (kind === 'agent.run' && isWorker((JSON.parse(payload) as AgentRun).role)) return []; // the row's kind decides the payload's type
  const effect: RefsPush = { kind: 'refs.push', id: `push#${id}`, plan };
  return [{ do: 'effect.insert', tree: repoTree(project), effect, priority: 0, at }];
}

/** Waits for every obstacle to the push, reports it meanwhile, and spends no try. A repository without a remote pushes nothing. */
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
