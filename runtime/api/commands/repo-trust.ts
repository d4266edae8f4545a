/** The trust of repos: what it covers, what has changed since, and who gave it; and a repo as a whole. */
import { setImmediate as immediate } from 'node:timers/promises';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { repoTree } from '../../../machines/vocabulary/ids.ts';
import { agentsAtWork } from '../../core/outbox/requeue.ts';
import { insertSignal } from '../../core/store/port.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import type { TrustWay } from '../../work/repos/registry.ts';
import type { RepoShow, RepoTrusted, TrustEntry, TrustLooked, TrustRevoked, TrustShow } from '../contract/repos.ts';
import { timeOrNull, timeText } from '../queries/time-text.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { configEntries } from './repo-config.ts';
import type { RepoFiles } from './repo-files.ts';
import { mustFindRepo } from './repo-found.ts';

export function createTrustCommands(parts: CommandDependencies, files: RepoFiles) {
  const { store, projects, views, settings } = parts;

  function trustEntry(row: RepoRow): TrustEntry {
    const { project, path, trustedAt, trustedBy, revokedAt } = row;
    const { digest, untrusted, problem } = projects.compare(project);
    const isChanged = untrusted.length > 0 || (problem === null && trustProblem(project) !== null);
    const state = revokedAt !== null ? 'revoked' : isChanged ? 'changed' : 'trusted';
    return {
      project,
      path,
      state,
      digest,
      since: timeText(trustedAt),
      by: trustedBy,
      revoked_at: timeOrNull(revokedAt),
    };
  }

  /** Why trust prevents all starts of the repo now; null: it does not. */
  function trustProblem(project: string): string | null {
    try {
      projects.mustBeTrusted(project);
      return null;
    } catch (thrown) {
      if (thrown instanceof EngineError) return thrown.message;
      throw thrown;
    }
  }

  return {
    /**
     * What the registration of the repo of this path would trust; the path may lie anywhere inside the repo. Changes nothing. Throws `bad_repo`, `conflict`,
     * `bad_config`.
     */
    async lookAtTrust(path: string, way: TrustWay): Promise<TrustLooked> {
      const { trusted, mayAct, ...look } = await projects.look(path, way);
      const { enables, agents, changes } = look;
      return {
        ...look,
        enables: [...enables],
        agents: [...agents],
        changes: [...changes],
        trusted_digest: trusted,
        may_act: mayAct,
      };
    },
    /** The trust of each repo: since when, and how it was given. */
    async listTrust(): Promise<TrustEntry[]> {
      const entries: TrustEntry[] = [];
      for (const row of projects.list()) {
        entries.push(trustEntry(row));
        await immediate(); // a thousand files must not block other work
      }
      return entries;
    },
    /** Throws `repo_not_found`. */
    async showTrust(project: string): Promise<TrustShow> {
      const row = await mustFindRepo(projects, project);
      const { enables, untrusted, changes, digestNow, problem } = projects.compare(row.project);
      return {
        ...trustEntry(row),
        enables: [...enables],
        untrusted: [...untrusted],
        changes: [...changes],
        digest_now: digestNow,
        problem: problem ?? trustProblem(row.project),
      };
    },
    /** Starts nothing new of the repo; running work goes on to its end. Throws `repo_not_found`. */
    async revokeTrust(name: string): Promise<TrustRevoked> {
      const { project, path } = await mustFindRepo(projects, name);
      const { revokedAt } = await projects.revoke(project);
      parts.onChange();
      const running = await agentsAtWork(store, project);
      const goOn = running.length === 1 ? 'runs and goes on' : 'run and go on';
      const notes = running.length === 0 ? [] : [`${running.length} of its agents ${goOn}: stator agent list`];
      return { status: 'revoked', project, path, revoked_at: timeText(revokedAt ?? 0), notes };
    },
    /** Puts the repo's files in force as they are now. Throws `repo_not_found`; `bad_config` if they cannot be used; `untrusted` if they have another digest. */
    async trustRepo(project: string, digest?: string): Promise<RepoTrusted> {
      const { path } = await mustFindRepo(projects, project);
      const earlier = projects.compare(project).enables;
      const refused = trustProblem(project);
      const { enables, changes, problem, remedy, notes } = await projects.refresh(project, {
        trust: digest ?? true,
        way: 'repo trust',
      });
      if (problem !== null) throw new EngineError('bad_config', problem, remedy);
      files.forget(project);
      await files.sendPolicy(project);
      // Without an engine that stays, nobody looks at the repo, and its lists would go on to ask for the yes that was given.
      if (refused !== null) await reportUsable(parts, project, refused);
      parts.onChange();
      return {
        status: 'trusted',
        project,
        path,
        before: [...earlier],
        enables: [...enables],
        changes: [...changes],
        digest: projects.compare(project).digest ?? '',
        notes: [...notes, ...files.missingOf(project), ...(await projects.baseNotes(project))],
      };
    },
    /** Throws `repo_not_found`. */
    async showRepo(project: string): Promise<RepoShow> {
      const entry = await views.repo(project);
      const row = projects.find(project);
      const { untrusted, changes, problem, notes, enables } = projects.compare(project);
      return {
        ...entry,
        added_at: timeText(row?.addedAt ?? 0),
        listed: settings.current().repos.includes(entry.path),
        config: configEntries(projects, project),
        enables: [...enables],
        untrusted: [...untrusted],
        changes: [...changes],
        trust: row === null ? null : trustEntry(row),
        problem,
        notes: [...notes, ...files.missingOf(project)],
        plans: (await store.plans(project)).map(({ plan, status, phase, blocked, faultSignal, paused }) => {
          return { plan, status, phase, blocked: blocked !== null || faultSignal !== null, paused };
        }),
      };
    },
  };
}

/** Ends the fault of a repo, if it has one that begins with this text. */
export async function reportUsable(
  { store, views, clock }: Pick<CommandDependencies, 'store' | 'views' | 'clock'>,
  project: string,
  fault = '',
): Promise<void> {
  const { state, reason } = await views.repo(project);
  if (state !== 'degraded' || reason?.startsWith(fault) === false) return;
  const word = { tree: repoTree(project), type: 'repo_recovered' as const, payload: {}, origin: 'engine' as const };
  await insertSignal(store, { ...word, at: clock.nowMs() });
}
