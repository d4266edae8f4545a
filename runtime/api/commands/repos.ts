/** Registers, removes, pauses and trusts repos. */

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
import { repeatedRequest } from './request.ts';
import { createSignalSender, verdictWaitMs } from './signal-sender.ts';

export interface AddRepo {
  readonly trust: Yes;
  readonly way: TrustWay;
  readonly ensure?: boolean;
}

/** The number of new repos of daemon.toml that are read at the same time: each starts git processes. */
const lookWidth = 4;
/** The time that git has to answer for a repo of daemon.toml. A slower repo is tried later, and the others do not wait for it. */
const listedMs = 10_000;

export function createRepoCommands(parts: CommandDependencies) {
  const { store, projects, views, settings, clock, log } = parts;
  const { post, mustBeDone } = createSignalSender(parts);
  const work = createPlanWork(parts);
  const mustBeFree = parts.locks.tryAt;
  /** Repos of daemon.toml that could not be registered, with the reason. */
  const missing = new Map<string, string>();
  /** Changed configurations that are not in force: of a project, and of the daemon itself (''). They are reported until they are read without problems. */
  const unread = new Map<string, readonly string[]>();
  /** Paths that a person removed from this engine. If daemon.toml lists them, they come back at the next start, and not before. */
  const left = new Set<string>();

  /** The signal that tells the supervisor of a repo. The supervisor spawns the repo's tree if there is none yet. */
  const registered = (project: string): Omit<NewSignal, 'at'> => ({
    tree: supervisorTree,
    type: 'repo_registered',
    payload: { project, policy: projects.get(project).config.policy },
    origin: 'engine',
  });

  async function isNew({ added, project }: Registration): Promise<boolean> {
    return added || !(await store.treeStates('repo')).has(repoTree(project));
  }

  /** Finds a repo by its name, by its stored path, or by a path that resolves to it. Throws `repo_not_found`. */
  async function mustFind(name: string): Promise<RepoRow> {
    const named = projects.find(name);
    if (named !== null) return named;
    const paths = isAbsolute(name) ? [resolve(name), await realpath(name).catch(() => name)] : [];
    const found = projects.list().find(({ path }) => paths.includes(path));
    if (found !== undefined) return found;
    throw repoNotFound(name, 'see them with: stator repo list');
  }

  /**
   * Starts nothing of the repo any more, and calls `go` once none of its agents runs. Throws `conflict` if agents run and `stop` is false, and the errors of
   * `go`; after an error the repo works on here.
   */
  async function letGo(
    project: string,
    { stop, verb }: { readonly stop: boolean; readonly verb: string },
    go: () => Promise<void>,
  ): Promise<void> {
    const open = projects.close(project);
    try {
      // This commit runs after all earlier ones, which may have waited for another program and may start an agent.
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

  /** Throws `conflict` if agents run and `stop` is false. */
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

  /** Stops the agents and queues them again; none starts before all have ended. One that does not end in time ends later, and its end is recorded. */
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

  /** Registers a repo of daemon.toml, or gives up for now when the time is over. */
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
      tooLate.catch(() => {}); // if git was quicker, no one awaits this promise
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
   * Registers the repos of daemon.toml and the given ones. Known repos of daemon.toml are not read again. New repos get their signal in the inbox. Never
   * throws because of a repo: one that cannot be used now is in `problems`, and is tried again at the next call.
   */
  async function registerListed(given: readonly string[] = []): Promise<void> {
    const known = new Set(projects.list().map(({ path }) => path));
    const listed = settings.current().repos;
    for (const path of missing.keys()) if (!listed.includes(path) && !given.includes(path)) missing.delete(path);
    // A known repo that is given is trusted anew. A new repo of daemon.toml is trusted, because the owner of the home wrote it there.
    const wanted = [...new Set([...listed, ...given])].filter(
      (path) => given.includes(path) || (!known.has(path) && !left.has(path)),
    );
    const wayOf = (path: string): TrustWay => (given.includes(path) ? 'program' : 'daemon.toml');
    await pMap(wanted, (path) => registerOne(path, wayOf(path)), { concurrency: lookWidth });
    // This includes repos whose engine crashed after the row and before the signal.
    const born = await store.treeStates('repo');
    const births = projects.list().filter(({ project }) => !born.has(repoTree(project)));
    const at = clock.nowMs();
    const words = births
      .flatMap(({ project }) => wordOf(project))
      .map((word): Change => ({ do: 'signal.insert', ...word, at }));
    if (words.length > 0) await mustCommit(store, words);
  }

  /** A repo whose pinned configuration no longer parses gets no tree until it does. */
  function wordOf(project: string): Omit<NewSignal, 'at'>[] {
    try {
      return [registered(project)];
    } catch (thrown) {
      log.error(`repo ${project} has no tree yet`, thrown);
      return [];
    }
  }

  /** Sends the repo's tree a changed policy at once, not with its next signal: a plan that waits for a limit may then begin. */
  async function tellPolicy(project: string): Promise<void> {
    const policy = projects.policyOf(project);
    const tree = repoTree(project);
    const row = policy === null ? null : await store.tree(tree);
    if (policy === null || row === null) return;
    if (isDeepStrictEqual(storedRepo(tree, row.stored).context.policy, policy)) return; // not compared as text: the stored policy went through the inbox, which reorders keys
    await insertSignal(store, { tree, type: 'policy', payload: { policy }, origin: 'engine', at: clock.nowMs() });
    parts.onChange();
  }

  /** Its new folder was looked at as it was taken: what is known of the old one holds no more. */
  async function tellUsable(project: string): Promise<void> {
    if ((await views.repo(project)).state !== 'degraded') return;
    const word = { tree: repoTree(project), type: 'repo_recovered' as const, payload: {}, origin: 'engine' as const };
    await insertSignal(store, { ...word, at: clock.nowMs() });
  }

  /** Puts a changed file in force if it starts nothing new; otherwise returns the reasons. */
  async function refresh(row: RepoRow): Promise<readonly string[]> {
    const { project } = row;
    const before = unread.get(project) ?? [];
    const problems = await read(row);
    unread.set(project, problems);
    // A configuration that was put in force has a new row.
    if (before.length > 0 || problems.length > 0 || projects.find(project) !== row)
      tellChange(`the files of ${project}`, { before, now: problems });
    return problems;
  }

  async function read({ project, path }: RepoRow): Promise<string[]> {
    const reason = views.repoReason(project);
    // A missing folder has no file to read. A fault in the file is reported each time.
    if (reason !== null && !reason.includes(join(path, '.stator', 'config.toml'))) return [];
    const { problem, untrusted } = await projects.refresh(project, { trust: false, way: 'repo trust' });
    await tellPolicy(project);
    if (problem !== null) return [`${project}: changed, not in force: ${problem}`];
    if (untrusted.length === 0) return [];
    return [
      `${project}: changed, not in force: ${path} may now start: ${untrusted.join('; ')}; say yes with: stator repo trust ${project}`,
    ];
  }

  /** Puts the present daemon.toml in force, or returns the reasons against it. Registers the repos that it lists. */
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

  /** Unchanged problems were already logged. */
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
    // A repo that is already in the requested state is no failure for the caller.
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

  /** Reasons on our side why hooks of the repo receive nothing. */
  function hooksOff(project: string): string[] {
    return [...projects.get(project).config.hooksOff, ...missingOf(project)];
  }

  /** What its hooks lack: variables, and addresses that may be called. */
  function missingOf(project: string): string[] {
    const { hooks } = projects.get(project).config;
    return [...refusedAddresses(hooks), ...missingVariables(hooks, parts.env)];
  }

  /** One line if another engine works in the repo; empty: this engine has its lock. */
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
    /** Puts a repo's changed file in force if it starts nothing new. The caller has just checked that the repo is there. Throws `repo_not_found`. */
    refreshRepo: async (project: string): Promise<void> => void (await refresh(await mustFind(project))),
    /** To be called after a configuration file of a repo was saved. Puts in force what needs no consent, and logs the rest. Throws the store's errors. */
    async noticeRepoFiles(project: string): Promise<void> {
      const row = projects.find(project);
      if (row === null || projects.isElsewhere(project)) return;
      await refresh(row);
      parts.onChange();
    },
    /** To be called after daemon.toml was saved. Returns the reasons why it, or a part of it, is not in force. Throws the store's errors. */
    async noticeSettings(): Promise<readonly string[]> {
      const before = unread.get('') ?? [];
      const now = await readSettings();
      tellChange(settings.current().file, { before, now });
      parts.onChange();
      return now;
    },
    /** The parts of the configuration that are not in force, with the reasons, one line each: daemon.toml's first, then by project, in any order of reading. */
    problems: (): readonly string[] => [
      ...[...unread].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, lines]) => lines),
      ...[...missing].map(([path, reason]) => `repo ${path} is not registered: ${reason}`),
    ],
    /** Keys of daemon.toml that have no effect, and why, one line each. */
    notes: (): readonly string[] => settings.current().notes,
    /**
     * Registers the repo that any path inside it belongs to. `ensure`: a registered repo is brought up to date with its files if nothing needs consent.
     * Throws `bad_repo`, `conflict` (the name is taken, or without `ensure` the path), `untrusted`, `bad_config`.
     */
    async addRepo(path: string, { trust, way, ensure = false }: AddRepo): Promise<RepoAdded> {
      // A repo that the cut-off engine registered for this request is no conflict.
      const mustBeNew = !ensure && repeatedRequest() === null;
      const registration = await projects.register(path, { trust, way, mustBeNew, mustBeFree });
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
    /**
     * As `takeOver` of the registry; the repo's plans go on here. Returns a line for people about what was taken over; null: there is nothing to take over
     * any more.
     */
    async takeOverRepo(lost: LostRepo, path: string): Promise<readonly string[] | null> {
      const brought = await projects.takeOver(lost, path);
      if (brought === null) return null;
      await takenBy(lost.project); // if another engine has it, the repo's health reports that
      await tellPolicy(lost.project);
      const missed = await work.tellLost(lost.project);
      parts.onChange();
      return [...brought, ...missed];
    },
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
    /** Starts nothing new of the repo; running work goes on to its end. Throws `repo_not_found`. */
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
     * Removes a repo by its name or path. Its rows stay, and adding it again brings its plans back. `stop` ends its agents first and spends no attempt.
     * Throws `repo_not_found`; `conflict` while its agents run; `unavailable` if one does not end, and then the repo stays.
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
     * Gives the repo with all its plans to another host, which goes on with them; its agents are treated as in `removeRepo`. Throws `repo_not_found`,
     * `not_found` (the host), `elsewhere`, and the errors of the registry's `hand`; `conflict` if the other host takes no repos.
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
     * To be called after the repo's folder was moved or renamed to `path`: its plans, branches and history go on there. Agents that ran in it begin anew and
     * spend no attempt. Throws `repo_not_found`, `elsewhere`, `conflict` if agents run and `stop` is false, and the errors of the registry's `relocate`.
     */
    async relocateRepo(name: string, path: string, { stop = false }: { stop?: boolean } = {}): Promise<RepoMoved> {
      const { project, path: from } = await mustFind(name);
      projects.mustBeHere(project);
      const open = projects.close(project);
      try {
        // As in letGo: an earlier commit may still start an agent.
        await store.commit([]);
        const runs = await runsOf(project);
        await refuseRunning(project, { runs, stop, verb: `move ${project} ${path}` });
        const to = await projects.relocate(project, path, mustBeFree);
        // In the old folder they would end without a result that could be collected.
        if (to !== from && runs.length > 0) await beginAnew(project, runs);
        await parts.lockRepo(project);
        await tellUsable(project);
        const plans = (await store.planCounts()).get(project)?.active ?? 0;
        return { status: to === from ? 'there' : 'moved', project, from, to, active_plans: plans };
      } finally {
        open();
        parts.onChange();
      }
    },
    /** Puts the repo's files in force as they are now. Throws `repo_not_found`; `bad_config` if they cannot be used; `untrusted` if they have another digest. */
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
    /** Admits no new plan of the repo; plans that implement go on. Throws `repo_not_found`. */
    pauseRepo: (project: string): Promise<RepoSwitched> => switchRepo(project, 'repo_paused'),
    /** Throws `repo_not_found`. */
    resumeRepo: (project: string): Promise<RepoSwitched> => switchRepo(project, 'repo_resumed'),
    /**
     * Reads daemon.toml again, and every repo's file that needs no consent, and puts them in force at once. A broken file is not put in force, and is
     * reported.
     */
    async reload(): Promise<ReloadAnswer> {
      const problems = [...(await readSettings())];
      for (const row of projects.list()) {
        problems.push(...(await refresh(row)));
        await immediate(); // a thousand files must not block other work
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
