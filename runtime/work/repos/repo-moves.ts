/** Moves a repo to another host or another folder, with its plans. */

import { existsSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isOver } from '../../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { opensOf, type RepoConfig } from '../../base/config/config.ts';
import type { LostRepo } from '../../core/store/port.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import { sharedAddress } from '../git/clone.ts';
import { identity } from '../git/identity.ts';
import { followMove } from '../git/moved-checkout.ts';
import { findCommit } from '../git/objects.ts';
import { branchRef, readRef } from '../git/refs.ts';
import { inspectRepository, type Repository } from '../git/repository.ts';
import { refuseInsideGit } from '../git/worktree-folder.ts';
import type { RepoParts } from './known-repos.ts';
import { findWork, shareWork } from './moved-work.ts';
import { exclude, type MustBeFree } from './registration.ts';
import { movedPlaces, type TrustedRepos, withCommit } from './repo-trust.ts';
import { revoked } from './trust-words.ts';

export interface RepoMoves {
  /**
   * Takes over a lost host's repo with a clone at that path: its trusted configuration stays in force if it leads to the same things here. Returns a text for
   * people about the brought work; null: another host was first, or the lost one is back. Throws `untrusted`, `bad_repo`, `conflict` if commits are missing,
   * `bad_config` if git has no identity here, and the store's errors.
   */
  takeOver(repo: LostRepo, path: string): Promise<readonly string[] | null>;
  /**
   * Gives a closed repo without running agents to another host, after its refs are pushed to the remote. If a host was given a repo and does not have it yet,
   * any host may give the repo to a third one. Throws `bad_repo` without a remote that others reach, `untrusted` if its configuration belongs to this
   * machine, `conflict` if the other host is gone or agents of the repo still run, and the errors of git and the store.
   */
  hand(project: string, to: string): Promise<void>;
  /**
   * Call it after the repo's folder was moved or renamed to that path: the repo continues there with its name and its trust. Returns the new path. Throws
   * `conflict` if a repository is still at the old place, or if the new one is registered or is another repository; `elsewhere`, `bad_repo`, `bad_config`,
   * and the store's errors.
   */
  relocate(project: string, path: string, mustBeFree: MustBeFree): Promise<string>;
}

export function createRepoMoves(parts: RepoParts, trusted: TrustedRepos): RepoMoves {
  const { store, known, changes, addresses, shared, look } = parts;
  return {
    takeOver: (lost, path) => changes(lost.project)(() => takeOver(lost, path)),
    hand: (project, to) => changes(project)(() => hand(project, to)),
    relocate: (project, path, mustBeFree) => changes(project)(() => relocate(project, { path, mustBeFree })),
  };

  /** The pinned configuration is in force here as it was there, so nothing acts without consent. */
  async function takeOver(lost: LostRepo, path: string): Promise<readonly string[] | null> {
    const { project } = lost;
    const { hosts } = store;
    await known.readOthers();
    const there = known.own(project) === null ? known.find(project) : null;
    if (hosts === undefined || there?.host !== lost.host) return null;
    if (there.revokedAt !== null) throw revoked(there, there.revokedAt);
    const repository = { ...(await inspectRepository(path, shared)), project };
    await identity(repository); // its agents would fail without one
    const { host: _host, comingFrom: _comingFrom, ...row } = { ...there, path: repository.path };
    const config = known.parse(row.config);
    refuseInsideGit(repository, config.worktree.dir);
    const names = [...machinePlaces(config), ...movedPlaces(row, config)];
    if (names.length > 0) throw otherMachine(there, names);
    const bring = await findWork(store, repository);
    await exclude(repository, config);
    // Before work may begin here.
    const brought = await bring();
    if (!(await hosts.takeOver(lost, repository.path))) return null;
    known.know(row);
    return brought;
  }

  async function hand(project: string, to: string): Promise<void> {
    const { hosts } = store;
    const row = known.mustRead(project);
    if (hosts === undefined) throw new Error(`${project} is in a store of one machine`);
    if (known.own(project) !== null) await share(row, to);
    if (!(await hosts.hand(project, { from: row.host ?? hosts.own, to })))
      throw new EngineError(
        'conflict',
        `${project} cannot be given to ${to} now: ${to} is away, or something of ${project} still runs`,
        'see: stator host list; stator status; then ask again',
      );
    await known.readOthers();
    known.drop(project, { isRemoved: false });
  }

  async function relocate(
    project: string,
    { path: given, mustBeFree }: { readonly path: string; readonly mustBeFree: MustBeFree },
  ): Promise<string> {
    known.mustBeHere(project);
    const row = known.mustRead(project);
    const found = await inspectRepository(given, shared);
    const { path } = found;
    if (path === row.path) return path;
    const other = known.nameAt(path) ?? found.project;
    if (known.own(other)?.path === path)
      throw new EngineError(
        'conflict',
        `${path} is registered already, as ${other}`,
        `take that out first, or leave ${project} where it is: stator repo remove ${shellWord(other)}`,
      );
    if (existsSync(join(row.path, '.git')))
      throw new EngineError(
        'conflict',
        `${row.path} is still a repository, so ${project} has not moved`,
        `move it first, then say so: mv ${shellWord(row.path)} ${shellWord(path)}; a copy is a repo of its own: stator repo add ${shellWord(path)}`,
      );
    await mustBeSame(row, found);
    await mustBeFree({ path, project });
    refuseInsideGit(found, known.get(project).config.worktree.dir);
    await followMove(found, row.path);
    const now = trusted.read(path);
    const config = trusted.isAsTrusted(row, now) ? withCommit(now.source, row.config.commit) : row.config;
    await exclude(found, known.get(project).config);
    await known.pin({ ...row, path, config });
    return path;
  }

  /** Throws `conflict` if it lacks the work of plans under way. */
  async function mustBeSame({ project, path: from, config: { commit } }: RepoRow, found: Repository): Promise<void> {
    const isThere = commit === undefined || (await findCommit(found, commit)) !== null;
    const begun = (await store.plans(project)).filter(({ base, status }) => base !== null && !isOver(status));
    const missing: string[] = [];
    for (const { plan, branch } of isThere ? begun : [])
      if ((await readRef(found, branchRef(branch))) === null) missing.push(`${branch} of plan ${plan}`);
    if (isThere && missing.length === 0) return;
    throw new EngineError(
      'conflict',
      isThere
        ? `${found.path} is not the repository that was at ${from}: it does not have ${missing.join(', ')}`
        : `${found.path} is not the repository that was at ${from}: it does not have the commit ${commit}`,
      isThere
        ? `name the folder that was moved; a plan whose branch is gone for good: stator plan cancel <plan>`
        : `name the folder that was moved; another repository: stator repo add ${shellWord(found.path)}`,
    );
  }

  /** Checks that another host finds all of the repo at the remote, and may use the configuration that is trusted here. */
  async function share({ project, path, config: source }: RepoRow, to: string): Promise<void> {
    if ((await sharedAddress({ path })) === null)
      throw new EngineError(
        'bad_repo',
        `${project} has no remote that ${to} could clone`,
        `give it one, or bring its clone over: stator repo remove ${shellWord(project)}, then there: stator repo add <path>`,
      );
    const names = machinePlaces(known.parse(source));
    if (names.length > 0)
      throw new EngineError(
        'untrusted',
        `the configuration of ${project} names files of this machine: ${names.join('; ')}`,
        `take it out here (stator repo remove ${shellWord(project)}); then on ${to}: stator repo add <path>, which shows what is to be trusted`,
      );
    await addresses.note({ project, path }, { isNew: false });
    await shareWork(store, await look.at(path));
  }
}

/** Paths outside the repo that its files open: the person who trusted them meant those of another machine. */
function machinePlaces({ worktree, hooks, ownAgents }: RepoConfig): string[] {
  const given = [
    worktree.dir,
    ...ownAgents.flatMap(({ env_file: file, writable = [], readable = [] }) => [file ?? '', ...writable, ...readable]),
    ...hooks.map(opensOf).flatMap(({ envFile, places = [] }) => [envFile ?? '', ...places]),
  ];
  return given.filter((path) => isAbsolute(path) || /^(?:~|\.\.(?:\/|$))/.test(normalize(path)));
}

function otherMachine({ project, host }: RepoRow, names: readonly string[]): EngineError {
  return new EngineError(
    'untrusted',
    `${project} was trusted on ${host}, and leads to something else here: ${names.join('; ')}`,
    `to work on it here: stator host remove ${host}; then here: stator repo add <path>, which shows what is to be trusted`,
  );
}
