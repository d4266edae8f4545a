/** Registers, removes, moves and pauses repos. */

import { basename } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { repoTree, supervisorTree } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { agentsAtWork, requeueAgents } from '../../core/outbox/requeue.ts';
import type { Change, LostRepo } from '../../core/store/port.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { membersNamed, refreshMembers } from '../../work/effects/members.ts';
import { inspectRepository } from '../../work/git/repository.ts';
import { makeComposite, mustBeFree, mustBeMembers } from '../../work/repos/composite.ts';
import type { Projects, Registration, TrustWay, Yes } from '../../work/repos/registry.ts';
import type { RepoAdded, RepoMoved, RepoRemoved, RepoSwitched } from '../contract/repos.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createPlanWork } from './plan-work.ts';
import { createRepoFiles, type RepoFiles } from './repo-files.ts';
import { mustFindRepo } from './repo-found.ts';
import { createTrustCommands, reportUsable } from './repo-trust.ts';
import { createSignalSender, notHandled, repeatedRequest, verdictWaitMs } from './signal-sender.ts';

export interface AddRepo {
  readonly trust: Yes;
  readonly way: TrustWay;
  readonly ensure?: boolean;
}

interface RepoParts extends CommandDependencies, Pick<ReturnType<typeof createSignalSender>, 'post' | 'mustBeDone'> {
  readonly work: ReturnType<typeof createPlanWork>;
  readonly files: RepoFiles;
}

export function createRepoCommands(given: CommandDependencies) {
  const { post, mustBeDone } = createSignalSender(given);
  const files = createRepoFiles(given);
  const parts: RepoParts = { ...given, post, mustBeDone, work: createPlanWork(given), files };

  return {
    ...files.commands,
    ...createTrustCommands(parts, files),
    /**
     * Registers the repo that any path inside it belongs to. `ensure`: a registered repo is brought up to date with its files if nothing needs consent.
     * Throws `bad_repo`, `conflict` (the name is taken, or without `ensure` the path), `untrusted`, `bad_config`.
     */
    addRepo: (path: string, asked: AddRepo) => addRepo(parts, path, asked),
    /** As `composeRepo` of its own file. */
    composeRepo(path: string, members: readonly string[]): Promise<RepoAdded> {
      return composeRepo(parts, {
        path,
        members,
        add: () => addRepo(parts, path, { trust: true, way: 'repo add' }),
      });
    },
    /**
     * As `takeOver` of the registry; the repo's plans go on here. Returns a line for people about what was taken over; null: there is nothing to take over
     * any more.
     */
    takeOverRepo: (lost: LostRepo, path: string) => takeOverRepo(parts, lost, path),
    /**
     * Removes a repo by its name or path. Its rows stay, and adding it again brings its plans back. `stop` ends its agents first and spends no attempt.
     * Throws `repo_not_found`; `conflict` while its agents run; `unavailable` if one does not end, and then the repo stays.
     */
    removeRepo: (name: string, asked: { stop?: boolean } = {}) => removeRepo(parts, name, asked),
    /**
     * Gives the repo with all its plans to another host, which goes on with them; its agents are treated as in `removeRepo`. Throws `repo_not_found`,
     * `not_found` (the host), `elsewhere`, and the errors of the registry's `hand`; `conflict` if the other host takes no repos.
     */
    moveRepo: (name: string, to: string, asked: { stop?: boolean } = {}) => moveRepo(parts, name, to, asked),
    /**
     * To be called after the repo's folder was moved or renamed to `path`: its plans, branches and history go on there. Agents that ran in it begin anew and
     * spend no attempt. Throws `repo_not_found`, `elsewhere`, `conflict` if agents run and `stop` is false, and the errors of the registry's `relocate`.
     */
    relocateRepo: (name: string, path: string, asked: { stop?: boolean } = {}) =>
      relocateRepo(parts, name, path, asked),
    /** Admits no new plan of the repo; plans that implement go on. Throws `repo_not_found`. */
    pauseRepo: (project: string) => switchRepo(parts, project, 'repo_paused'),
    /** Throws `repo_not_found`. */
    resumeRepo: (project: string) => switchRepo(parts, project, 'repo_resumed'),
  };
}

async function addRepo(parts: RepoParts, path: string, { trust, way, ensure = false }: AddRepo): Promise<RepoAdded> {
  // A repo that the cut-off engine registered for this request is no conflict.
  const mustBeNew = !ensure && repeatedRequest() === null;
  const registration = await parts.projects.register(path, { trust, way, mustBeNew, mustBeFree: parts.locks.tryAt });
  const { project, path: found, added, enables, untrusted, changes, digest, trustedNow, notes } = registration;
  if (await isNew(parts, registration)) await parts.mustBeDone(parts.files.registered(project));
  const taken = await takenBy(parts, project);
  parts.files.noteAdded(found);
  await parts.files.sendPolicy(project);
  const lost = added ? await parts.work.reportLost(project) : [];
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
    notes: [...notes, ...taken, ...lost, ...parts.files.missingOf(project)],
  };
}

async function isNew({ store }: RepoParts, { added, project }: Registration): Promise<boolean> {
  return added || !(await store.treeStates('repo')).has(repoTree(project));
}

async function takeOverRepo(parts: RepoParts, lost: LostRepo, path: string): Promise<readonly string[] | null> {
  const brought = await parts.projects.takeOver(lost, path);
  if (brought === null) return null;
  await takenBy(parts, lost.project); // if another engine has it, the repo's health reports that
  await parts.files.sendPolicy(lost.project);
  const missed = await parts.work.reportLost(lost.project);
  parts.onChange();
  return [...brought, ...missed];
}

/** One line if another engine works in the repo; empty: this engine has its lock. */
async function takenBy(parts: RepoParts, project: string): Promise<string[]> {
  try {
    await parts.lockRepo(project);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    return [`nothing of ${project} starts here for now: ${thrown.message}; ${thrown.hint}`];
  }
}

async function removeRepo(
  parts: RepoParts,
  name: string,
  { stop = false }: { stop?: boolean } = {},
): Promise<RepoRemoved> {
  const { project, path } = await mustFindRepo(parts.projects, name);
  parts.projects.mustBeHere(project);
  const word = (): Change => ({
    do: 'signal.insert',
    tree: supervisorTree,
    type: 'repo_removed',
    payload: { project },
    origin: 'engine',
    at: parts.clock.nowMs(),
  });
  await letGo(parts, project, { stop, verb: `remove ${project}` }, () => parts.projects.remove(project, [word()]));
  parts.files.noteRemoved(path);
  const plans = (await parts.store.planCounts()).get(project)?.all ?? 0;
  const notes = [
    ...(plans === 0
      ? []
      : [
          `its ${plans === 1 ? 'plan is' : `${plans} plans are`} kept: stator repo add ${shellWord(path)} brings ${plans === 1 ? 'it' : 'them'} back`,
        ]),
    ...(parts.settings.current().repos.includes(path)
      ? [`${parts.settings.current().file} lists it, so it comes back at the next start; take it out there too`]
      : []),
  ];
  return { status: 'removed', project, path, notes };
}

async function moveRepo(
  parts: RepoParts,
  name: string,
  to: string,
  { stop = false }: { stop?: boolean } = {},
): Promise<RepoMoved> {
  const row = await mustFindRepo(parts.projects, name);
  const { project } = row;
  const host = await parts.views.host(to);
  const plans = (await parts.store.planCounts()).get(project)?.active ?? 0;
  const from = row.host ?? parts.store.hosts?.own ?? '';
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
  if (row.comingFrom !== undefined) await parts.projects.hand(project, to);
  else {
    parts.projects.mustBeHere(project);
    await letGo(parts, project, { stop, verb: `move ${project} ${to}` }, () => parts.projects.hand(project, to));
  }
  parts.onChange();
  return moved('moving');
}

/**
 * Starts nothing of the repo any more, and calls `go` once none of its agents runs. Throws `conflict` if agents run and `stop` is false, and the errors of
 * `go`; after an error the repo works on here.
 */
async function letGo(
  parts: RepoParts,
  project: string,
  { stop, verb }: { readonly stop: boolean; readonly verb: string },
  go: () => Promise<void>,
): Promise<void> {
  const open = parts.projects.close(project);
  try {
    // This commit runs after all earlier ones, which may have waited for another program and may start an agent.
    await parts.store.commit([]);
    const runs = await agentsAtWork(parts.store, project);
    await refuseRunning(parts, project, { runs, stop, verb });
    if (runs.length > 0) await requeueAgents(parts.store, runs, parts.clock.nowMs());
    await parts.runsEnded(project);
    await go();
    parts.files.forget(project);
  } catch (thrown) {
    open();
    parts.onChange();
    throw thrown;
  }
}

/** Throws `conflict` if agents run and `stop` is false. */
async function refuseRunning(
  { store }: RepoParts,
  project: string,
  { runs, stop, verb }: { readonly runs: readonly EffectRow[]; readonly stop: boolean; readonly verb: string },
): Promise<void> {
  if (runs.length === 0 || stop) return;
  const titles = await Promise.all(
    runs.slice(0, 10).map(async ({ key, name }) => (await store.run(key))?.title ?? name),
  );
  throw new EngineError(
    'conflict',
    `repo ${project} has ${runs.length} running ${runs.length === 1 ? 'agent' : 'agents'}: ${titles.join(', ')}`,
    `stop them with it: stator repo ${verb} --stop`,
  );
}

async function relocateRepo(
  parts: RepoParts,
  name: string,
  path: string,
  { stop = false }: { stop?: boolean } = {},
): Promise<RepoMoved> {
  const { project, path: from } = await mustFindRepo(parts.projects, name);
  parts.projects.mustBeHere(project);
  const open = parts.projects.close(project);
  try {
    // As in letGo: an earlier commit may still start an agent.
    await parts.store.commit([]);
    const runs = await agentsAtWork(parts.store, project);
    await refuseRunning(parts, project, { runs, stop, verb: `move ${project} ${path}` });
    const to = await parts.projects.relocate(project, path, parts.locks.tryAt);
    // In the old folder they would end without a result that could be collected.
    if (to !== from && runs.length > 0) await beginAnew(parts, project, runs);
    await parts.lockRepo(project);
    // Its new folder was checked when it was taken: faults of the old one no longer count.
    await reportUsable(parts, project);
    const plans = (await parts.store.planCounts()).get(project)?.active ?? 0;
    return { status: to === from ? 'there' : 'moved', project, from, to, active_plans: plans };
  } finally {
    open();
    parts.onChange();
  }
}

/** Stops the agents and queues them again; none starts before all have ended. One that does not end in time ends later, and its end is recorded. */
async function beginAnew(parts: RepoParts, project: string, runs: readonly EffectRow[]): Promise<void> {
  const open = parts.projects.close(project);
  try {
    await requeueAgents(parts.store, runs, parts.clock.nowMs());
    await parts.runsEnded(project);
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code !== 'unavailable') throw thrown;
    parts.log.warn(thrown.message);
  } finally {
    open();
  }
}

async function switchRepo(
  { views, post }: RepoParts,
  project: string,
  word: 'repo_paused' | 'repo_resumed',
): Promise<RepoSwitched> {
  views.mustKnow(project);
  const { signal } = await post({ tree: repoTree(project), type: word, payload: {}, origin: 'person' }, verdictWaitMs);
  // A repo that is already in the requested state is no failure for the caller.
  if (signal.status === 'done' || signal.status === 'failed')
    return { status: word === 'repo_paused' ? 'paused' : 'resumed', project };
  throw notHandled(`${word} of ${project} was not handled yet`, signal);
}

/**
 * Makes a repo at that path, with these registered repos in its folders, and registers it with `add`. Nothing is left of it if it throws:
 * `repo_not_found`, `bad_request`, `bad_repo`, `bad_config`, `conflict`, `untrusted`.
 */
async function composeRepo(
  { projects }: { readonly projects: Projects },
  { path, members, add }: { path: string; members: readonly string[]; add(): Promise<RepoAdded> },
): Promise<RepoAdded> {
  await mustBeFree(path);
  const named: string[] = [];
  for (const member of members) named.push((await mustFindRepo(projects, member)).project);
  mustBeMembers(named);
  for (const project of named) {
    projects.mustBeHere(project);
    projects.mustBeTrusted(project);
  }
  const made = await membersNamed({ projects }, { project: basename(path), path }, named);
  const { undo } = await makeComposite(path, { members: made, like: await projects.repository(named[0] ?? '') });
  try {
    const repository = await inspectRepository(path);
    const config = { members: made, baseBranch: '' };
    const project = { project: repository.project, path, config };
    await refreshMembers({ projects }, { project, repository }).finally(() => repository.gits.close());
    return await add();
  } catch (thrown) {
    const isRegistered = projects.list().some((row) => row.path === path);
    if (!isRegistered) await undo();
    throw thrown;
  }
}
