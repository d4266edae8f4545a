/** Repos as they come, go, rest and are trusted. */

import { realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import pMap from 'p-map';
import { storedRepo } from '../../../actors/stored-tree.ts';
import { EngineError, messageOf, repoNotFound } from '../../../machines/vocabulary/errors.ts';
import { repoTree, supervisorTree } from '../../../machines/vocabulary/ids.ts';
import { missingVariables, refusedAddresses } from '../../base/config/config.ts';
import { agentsAtWork, requeueAgents } from '../../core/outbox/requeue.ts';
import { type Change, insertSignal, type LostRepo, mustCommit } from '../../core/store/port.ts';
import type { EffectRow, NewSignal, RepoRow } from '../../core/store/rows.ts';
import type { Registration, TrustWay, Yes } from '../../work/repos/registry.ts';
import type {
  ReloadAnswer,
  RepoAdded,
  RepoMoved,
  RepoRemoved,
  RepoShow,
  RepoSwitched,
  RepoTrusted,
  TrustEntry,
  TrustLooked,
  TrustRevoked,
  TrustShow,
} from '../contract/repos.ts';
import { timeOrNull, timeText } from '../queries/time-text.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createPlanWork } from './plan-work.ts';
import { configEntries } from './repo-config.ts';
import { createSignalSender, verdictWaitMs } from './signal-sender.ts';

export interface AddRepo {
  readonly trust: Yes;
  readonly way: TrustWay;
  readonly ensure?: boolean;
}

/** New repos of daemon.toml that are looked at at once: git is a process each. */
const lookWidth = 4;
/** A repo of daemon.toml that git does not answer for in this time is left for later; the others do not wait for it. */
const listedMs = 10_000;

export function createRepoCommands(parts: CommandDependencies) {
  const { store, projects, views, settings, clock, log } = parts;
  const { post, mustBeDone } = createSignalSender(parts);
  const work = createPlanWork(parts);
  const mustBeFree = parts.locks.tryAt;
  /** Repos of daemon.toml that could not be registered, with the reason. */
  const missing = new Map<string, string>();
  /** Configurations that are not in force as they stand: of a project, and of the daemon itself (''). Said until they are read and found right. */
  const unread = new Map<string, readonly string[]>();
  /** Paths that a person took out of this engine: what daemon.toml lists comes back at the next start, and not before. */
  const left = new Set<string>();

  /** The supervisor's word that a repo is there; its tree is born of it, where it has none yet. */
  const registered = (project: string): Omit<NewSignal, 'at'> => ({
    tree: supervisorTree,
    type: 'repo_registered',
    payload: { project, policy: projects.get(project).config.policy },
    origin: 'engine',
  });

  async function isNew({ added, project }: Registration): Promise<boolean> {
    return added || !(await store.treeStates('repo')).has(repoTree(project));
  }

  /** By its name, or by a path as it was given or as it was written down. Throws `repo_not_found`. */
  async function mustFind(name: string): Promise<RepoRow> {
    const named = projects.find(name);
    if (named !== null) return named;
    const paths = isAbsolute(name) ? [resolve(name), await realpath(name).catch(() => name)] : [];
    const found = projects.list().find(({ path }) => paths.includes(path));
    if (found !== undefined) return found;
    throw repoNotFound(name, 'see them with: stator repo list');
  }

  /**
   * Starts nothing of the repo any more, and lets it go once none of its agents runs. Throws `conflict` while they do and are not to `stop`, and what `go` throws;
   * then it works on here.
   */
  async function letGo(
    project: string,
    { stop, verb }: { readonly stop: boolean; readonly verb: string },
    go: () => Promise<void>,
  ): Promise<void> {
    const open = projects.close(project);
    try {
      // Of the commits that were asked for before, which may have waited for another program and start an agent, this is the last.
      await store.commit([]);
      const runs = await runsOf(project);
      await refuseRunning(project, { runs, stop, verb });
      if (runs.length > 0) await requeueAgents(store, runs, clock.nowMs());
      await parts.runsEnded(project);
      await go();
      unread.delete(project);
    } catch (thrown) {
      open();
      parts.onChange();
      throw thrown;
    }
  }

  /** Throws `conflict` where agents run, and are not to stop. */
  async function refuseRunning(
    project: string,
    { runs, stop, verb }: { readonly runs: readonly EffectRow[]; readonly stop: boolean; readonly verb: string },
  ): Promise<void> {
    if (runs.length === 0 || stop) return;
    const titles = await Promise.all(runs.slice(0, 10).map(titleOf));
    throw new EngineError(
      'conflict',
      `repo ${project} has ${runs.length} running ${runs.length === 1 ? 'agent' : 'agents'}: ${titles.join(', ')}`,
      `stop them with it: stator repo ${verb} --stop`,
    );
  }

  /** They end, and are queued again; none is started before. One that does not end in time ends later, and is recorded. */
  async function beginAnew(project: string, runs: readonly EffectRow[]): Promise<void> {
    const open = projects.close(project);
    try {
      await requeueAgents(store, runs, clock.nowMs());
      await parts.runsEnded(project);
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || thrown.code !== 'unavailable') throw thrown;
      log.warn(thrown.message);
    } finally {
      open();
    }
  }

  const titleOf = async ({ key, name }: EffectRow) => (await store.run(key))?.title ?? name;
  const runsOf = async (project: string) => (await agentsAtWork(store)).filter((row) => row.project === project);

  /** Registers one of daemon.toml, in time or not at all for now. */
  async function registerOne(path: string, way: TrustWay): Promise<Registration | null> {
    const late = new AbortController();
    try {
      const tooLate = delay(listedMs, null, { signal: late.signal }).then(() => {
        throw new EngineError(
          'bad_repo',
          `git does not answer in ${path} within ${listedMs / 1_000} s`,
          `try by hand: git -C ${path} status`,
        );
      });
      tooLate.catch(() => {}); // where git was quicker nobody waits for it
      const registration = await Promise.race([projects.register(path, { trust: true, way, mustBeFree }), tooLate]);
      missing.delete(path);
      return registration;
    } catch (thrown) {
      const reason = thrown instanceof EngineError ? thrown.message : messageOf(thrown);
      if (missing.get(path) !== reason) log.error(`repo ${path} is not registered: ${reason}`);
      missing.set(path, reason);
      return null;
    } finally {
      late.abort();
    }
  }

  /**
   * Sees that the repos of daemon.toml, and those given, are registered: those that are known are not looked at. Their births are left in the inbox.
   * Never throws of a repo: what cannot be used now is in `problems`, and is tried again when this is called again.
   */
  async function registerListed(given: readonly string[] = []): Promise<void> {
    const known = new Set(projects.list().map(({ path }) => path));
    const listed = settings.current().repos;
    for (const path of missing.keys()) if (!listed.includes(path) && !given.includes(path)) missing.delete(path);
    // One that is known and given is trusted anew; a new one of daemon.toml was put there by whoever owns the home.
    const wanted = [...new Set([...listed, ...given])].filter(
      (path) => given.includes(path) || (!known.has(path) && !left.has(path)),
    );
    const wayOf = (path: string): TrustWay => (given.includes(path) ? 'program' : 'daemon.toml');
    await pMap(wanted, (path) => registerOne(path, wayOf(path)), { concurrency: lookWidth });
    // Also what a crash left between the row and the word.
    const born = await store.treeStates('repo');
    const births = projects.list().filter(({ project }) => !born.has(repoTree(project)));
    const at = clock.nowMs();
    const words = births
      .flatMap(({ project }) => wordOf(project))
      .map((word): Change => ({ do: 'signal.insert', ...word, at }));
    if (words.length > 0) await mustCommit(store, words);
  }

  /** One whose pinned configuration no longer parses is not born before it does. */
  function wordOf(project: string): Omit<NewSignal, 'at'>[] {
    try {
      return [registered(project)];
    } catch (thrown) {
      log.error(`repo ${project} has no tree yet`, thrown);
      return [];
    }
  }

  /** The repo's tree learns of a changed policy now and not with its next signal: who waits for its limit may begin. */
  async function tellPolicy(project: string): Promise<void> {
    const policy = projects.policyOf(project);
    const tree = repoTree(project);
    const row = policy === null ? null : await store.tree(tree);
    if (policy === null || row === null) return;
    if (isDeepStrictEqual(storedRepo(tree, row.stored).context.policy, policy)) return; // not as text: the one has been through the inbox, which orders keys anew
    await insertSignal(store, { tree, type: 'policy', payload: { policy }, origin: 'engine', at: clock.nowMs() });
    parts.onChange();
  }

  /** A file that is changed and starts nothing new is put in force; what stands in the way is told. */
  async function refresh(row: RepoRow): Promise<readonly string[]> {
    const { project } = row;
    const before = unread.get(project) ?? [];
    const problems = await read(row);
    unread.set(project, problems);
    // What is put in force is another row.
    if (before.length > 0 || problems.length > 0 || projects.find(project) !== row)
      tellChange(`the files of ${project}`, { before, now: problems });
    return problems;
  }

  async function read({ project, path }: RepoRow): Promise<string[]> {
    const reason = views.repoReason(project);
    // A folder that is gone has no file to be read; what is wrong in the file is told each time.
    if (reason !== null && !reason.includes(join(path, '.stator', 'config.toml'))) return [];
    const { problem, untrusted } = await projects.refresh(project, { trust: false, way: 'repo trust' });
    await tellPolicy(project);
    if (problem !== null) return [`${project}: changed, not in force: ${problem}`];
    if (untrusted.length === 0) return [];
    return [
      `${project}: changed, not in force: ${path} may now start: ${untrusted.join('; ')}; say yes with: stator repo trust ${project}`,
    ];
  }

  /** daemon.toml as it is now is put in force; what stands in the way is told. A repo that it lists is registered. */
  async function readSettings(): Promise<readonly string[]> {
    const problems: string[] = [];
    try {
      problems.push(...settings.reload());
      projects.forget();
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      problems.push(`changed, not in force: ${thrown.message}`);
    }
    unread.set('', problems);
    await registerListed();
    return problems;
  }

  /** What is so already was told. */
  function tellChange(what: string, { before, now }: { before: readonly string[]; now: readonly string[] }): void {
    if (isDeepStrictEqual(before, now) && now.length > 0) return;
    if (now.length === 0) log.info(`${what}: changed, and in force`);
    for (const problem of now) log.warn(problem);
  }

  async function switchRepo(project: string, word: 'repo_paused' | 'repo_resumed'): Promise<RepoSwitched> {
    views.mustKnow(project);
    const { signal } = await post(
      { tree: repoTree(project), type: word, payload: {}, origin: 'person' },
      verdictWaitMs,
    );
    // What is so already is no failure of whoever asks for it.
    if (signal.status === 'done' || signal.status === 'failed')
      return { status: word === 'repo_paused' ? 'paused' : 'resumed', project };
    throw new EngineError(
      'unavailable',
      `${word} of ${project} was not handled yet: it is ${signal.status}`,
      `look at it with: stator signal show ${signal.id}`,
    );
  }

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

  /** Why nothing of it may start now, as far as trust goes; null: it may. */
  function trustProblem(project: string): string | null {
    try {
      projects.mustBeTrusted(project);
      return null;
    } catch (thrown) {
      if (thrown instanceof EngineError) return thrown.message;
      throw thrown;
    }
  }

  /** What keeps hooks of the repo from being told anything that is not their receiver's fault. */
  function hooksOff(project: string): string[] {
    return [...projects.get(project).config.hooksOff, ...missingOf(project)];
  }

  /** What its hooks need and do not have: variables, and an address that may be asked. */
  function missingOf(project: string): string[] {
    const { hooks } = projects.get(project).config;
    return [...refusedAddresses(hooks), ...missingVariables(hooks, parts.env)];
  }

  /** That another engine works in the repo, in words; empty: this one has its lock. */
  async function takenBy(project: string): Promise<string[]> {
    try {
      await parts.lockRepo(project);
      return [];
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      return [`nothing of ${project} starts here for now: ${thrown.message}; ${thrown.hint}`];
    }
  }

  return {
    registerListed,
    /** Puts a repo's changed file in force, where it starts nothing new; for whoever has just seen that the repo is there. Throws `repo_not_found`. */
    refreshRepo: async (project: string): Promise<void> => void (await refresh(await mustFind(project))),
    /** Files of a repo that decide what it starts were saved: what needs nobody's yes is in force, and the rest is told. Throws as the store does. */
    async noticeRepoFiles(project: string): Promise<void> {
      const row = projects.find(project);
      if (row === null || projects.isElsewhere(project)) return;
      await refresh(row);
      parts.onChange();
    },
    /** daemon.toml was saved. Answers what keeps it, or a part of it, from being in force. Throws as the store does. */
    async noticeSettings(): Promise<readonly string[]> {
      const before = unread.get('') ?? [];
      const now = await readSettings();
      tellChange(settings.current().file, { before, now });
      parts.onChange();
      return now;
    },
    /** Repos of daemon.toml that are not registered and why, one line each. */
    problems: (): readonly string[] => [
      ...[...unread.values()].flat(),
      ...[...missing].map(([path, reason]) => `repo ${path} is not registered: ${reason}`),
    ],
    /** Keys of daemon.toml that have no effect, and why, one line each. */
    notes: (): readonly string[] => settings.current().notes,
    /**
     * Registers the repo that any path inside it belongs to. `ensure`: one that is registered is brought up to date with its files, where nothing needs
     * a yes. Throws `bad_repo`, `conflict` (the name is taken; the path is, without `ensure`), `untrusted`, `bad_config`.
     */
    async addRepo(path: string, { trust, way, ensure = false }: AddRepo): Promise<RepoAdded> {
      const registration = await projects.register(path, { trust, way, mustBeNew: !ensure, mustBeFree });
      const { project, path: found, added, enables, untrusted, changes, digest, trustedNow, notes } = registration;
      if (await isNew(registration)) await mustBeDone(registered(project));
      const taken = await takenBy(project);
      missing.delete(found);
      left.delete(found);
      await tellPolicy(project);
      const lost = added ? await work.tellLost(project) : [];
      parts.onChange();
      return {
        status: added ? 'added' : 'known',
        path: found,
        project,
        enables: [...enables],
        untrusted: [...untrusted],
        changes: [...changes],
        digest,
        trusted_now: trustedNow,
        notes: [...notes, ...taken, ...lost, ...missingOf(project)],
      };
    },
    /** As `takeOver` of the registry; its plans go on here. Answers what was brought, for people; null: there is nothing to take over any more. */
    async takeOverRepo(lost: LostRepo, path: string): Promise<readonly string[] | null> {
      const brought = await projects.takeOver(lost, path);
      if (brought === null) return null;
      await takenBy(lost.project); // where another engine has it, the look at the repo says so
      await tellPolicy(lost.project);
      const missed = await work.tellLost(lost.project);
      parts.onChange();
      return [...brought, ...missed];
    },
    /** What registering the repo of any path inside it would trust. Changes nothing. Throws `bad_repo`, `conflict`, `bad_config`. */
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
    /** What is trusted since when, by which way. */
    async listTrust(): Promise<TrustEntry[]> {
      const entries: TrustEntry[] = [];
      for (const row of projects.list()) {
        entries.push(trustEntry(row));
        await immediate(); // a thousand files are no reason to keep others waiting
      }
      return entries;
    },
    /** Throws `repo_not_found`. */
    async showTrust(project: string): Promise<TrustShow> {
      const row = await mustFind(project);
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
    /** Nothing new of it starts; what runs goes on to its end. Throws `repo_not_found`. */
    async revokeTrust(name: string): Promise<TrustRevoked> {
      const { project, path } = await mustFind(name);
      const { revokedAt } = await projects.revoke(project);
      parts.onChange();
      const running = await runsOf(project);
      const goOn = running.length === 1 ? 'runs and goes on' : 'run and go on';
      const notes = running.length === 0 ? [] : [`${running.length} of its agents ${goOn}: stator agent list`];
      return { status: 'revoked', project, path, revoked_at: timeText(revokedAt ?? 0), notes };
    },
    /**
     * Takes a repo out by its name or path; its rows stay, and adding it again brings its plans back. `stop` ends its agents first, no attempt spent.
     * Throws `repo_not_found`; `conflict` while its agents run; `unavailable` where one does not end, and then it stays.
     */
    async removeRepo(name: string, { stop = false }: { stop?: boolean } = {}): Promise<RepoRemoved> {
      const { project, path } = await mustFind(name);
      projects.mustBeHere(project);
      const word = (): Change => ({
        do: 'signal.insert',
        tree: supervisorTree,
        type: 'repo_removed',
        payload: { project },
        origin: 'engine',
        at: clock.nowMs(),
      });
      await letGo(project, { stop, verb: `remove ${project}` }, () => projects.remove(project, [word()]));
      left.add(path);
      const plans = (await store.planCounts()).get(project)?.all ?? 0;
      const notes = [
        ...(plans === 0
          ? []
          : [
              `its ${plans === 1 ? 'plan is' : `${plans} plans are`} kept: stator repo add ${path} brings ${plans === 1 ? 'it' : 'them'} back`,
            ]),
        ...(settings.current().repos.includes(path)
          ? [`${settings.current().file} lists it, so it comes back at the next start; take it out there too`]
          : []),
      ];
      return { status: 'removed', project, path, notes };
    },
    /**
     * Gives the repo with all its plans to another host, which goes on with them; as `removeRepo` for its agents. Throws `repo_not_found`, `not_found` (the
     * host), `elsewhere`, and as `hand` of the registry; `conflict` where the other host takes no repos.
     */
    async moveRepo(name: string, to: string, { stop = false }: { stop?: boolean } = {}): Promise<RepoMoved> {
      const row = await mustFind(name);
      const { project } = row;
      const host = await views.host(to);
      const plans = (await store.planCounts()).get(project)?.active ?? 0;
      const from = row.host ?? store.hosts?.own ?? '';
      const moved = (status: RepoMoved['status']) => ({ status, project, from, to, active_plans: plans });
      if (from === to) return moved(row.comingFrom === undefined ? 'there' : 'moving');
      if (host.state !== 'alive')
        throw new EngineError('conflict', `the host ${to} is ${host.state}`, 'see them with: stator host list');
      if (!host.takes_repos)
        throw new EngineError(
          'conflict',
          `the host ${to} takes no repos`,
          `say there where its clones are to be, then restart its daemon: clones = "<folder>" under [host] of daemon.toml`,
        );
      if (row.comingFrom !== undefined) await projects.hand(project, to);
      else {
        projects.mustBeHere(project);
        await letGo(project, { stop, verb: `move ${project} ${to}` }, () => projects.hand(project, to));
      }
      parts.onChange();
      return moved('moving');
    },
    /**
     * The repo's folder was moved or renamed, to `path`: its plans, branches and history go on there. Agents that were at work in it are begun anew, no attempt
     * spent. Throws `repo_not_found`, `elsewhere`, `conflict` while agents run and are not to `stop`, and as `relocate` of the registry.
     */
    async relocateRepo(name: string, path: string, { stop = false }: { stop?: boolean } = {}): Promise<RepoMoved> {
      const { project, path: from } = await mustFind(name);
      projects.mustBeHere(project);
      const open = projects.close(project);
      try {
        // As in letGo: what was asked for before this may start an agent yet.
        await store.commit([]);
        const runs = await runsOf(project);
        await refuseRunning(project, { runs, stop, verb: `move ${project} ${path}` });
        const to = await projects.relocate(project, path, mustBeFree);
        // In the old place they would end with nothing that could be taken.
        if (to !== from && runs.length > 0) await beginAnew(project, runs);
        await parts.lockRepo(project);
        const plans = (await store.planCounts()).get(project)?.active ?? 0;
        return { status: to === from ? 'there' : 'moved', project, from, to, active_plans: plans };
      } finally {
        open();
        parts.onChange();
      }
    },
    /** Puts the repo's files in force as they are now. Throws `repo_not_found`; `bad_config` where they cannot be used; `untrusted` where they have another digest. */
    async trustRepo(project: string, digest?: string): Promise<RepoTrusted> {
      const { path } = await mustFind(project);
      const earlier = projects.compare(project).enables;
      const { enables, changes, problem, notes } = await projects.refresh(project, {
        trust: digest ?? true,
        way: 'repo trust',
      });
      if (problem !== null) throw new EngineError('bad_config', problem, 'correct the file, then trust it again');
      unread.delete(project);
      await tellPolicy(project);
      parts.onChange();
      return {
        status: 'trusted',
        project,
        path,
        before: [...earlier],
        enables: [...enables],
        changes: [...changes],
        digest: projects.compare(project).digest ?? '',
        notes: [...notes, ...missingOf(project), ...(await projects.baseNotes(project))],
      };
    },
    /** Grants nothing new to its plans; what implements goes on. Throws `repo_not_found`. */
    pauseRepo: (project: string): Promise<RepoSwitched> => switchRepo(project, 'repo_paused'),
    /** Throws `repo_not_found`. */
    resumeRepo: (project: string): Promise<RepoSwitched> => switchRepo(project, 'repo_resumed'),
    /** Reads daemon.toml again, and every repo's file where it needs nobody's yes; all of it is in force at once. What is broken is kept out and told. */
    async reload(): Promise<ReloadAnswer> {
      const problems = [...(await readSettings())];
      for (const row of projects.list()) {
        problems.push(...(await refresh(row)));
        await immediate(); // a thousand files are no reason to keep others waiting
      }
      parts.onChange();
      for (const { project } of projects.list()) problems.push(...hooksOff(project).map((why) => `${project}: ${why}`));
      problems.push(...[...missing].map(([path, reason]) => `repo ${path} is not registered: ${reason}`));
      log.info(problems.length === 0 ? 'reloaded' : `reloaded, but for: ${problems.join(' | ')}`);
      return { status: 'reloaded', problems };
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
        notes: [...notes, ...missingOf(project)],
        plans: (await store.plans(project)).map(({ plan, status, phase, blocked, faultSignal, paused }) => {
          return { plan, status, phase, blocked: blocked !== null || faultSignal !== null, paused };
        }),
      };
    },
  };
}
