/** The trust in a repo's files: what they start now, what was trusted, and the difference. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { type RepoConfig, type RepoConfigSource, withoutHookSecrets } from '../../base/config/config.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import { inspectRepository } from '../git/repository.ts';
import { worktreesFolder } from '../git/worktree-folder.ts';
import type { RepoParts } from './known-repos.ts';
import { trustChanges } from './trust-changes.ts';
import { findPlaces, readTrustSource } from './trust-source.ts';
import { nothingOwn, otherDigest, revoked, type TrustWay } from './trust-words.ts';

/** `true`: trust the files as found. A digest: trust them if they have this digest. */
export type Yes = boolean | string;

export interface Comparison {
  /** What the configuration in force may start; empty if it no longer parses. */
  readonly enables: readonly string[];
  /** The digest of the files in force; null: they no longer parse. */
  readonly digest: string | null;
  /** What the present files may start beyond the configuration in force; that needs a person's consent. */
  readonly untrusted: readonly string[];
  /** The digest of the present files; null: they cannot be used. */
  readonly digestNow: string | null;
  /** Removed lines with `- ` and new lines with `+ ` before them; prompts line by line. */
  readonly changes: readonly string[];
  /** Why the file cannot be used; null: it can. */
  readonly problem: string | null;
  /** What a person can do about the problem; empty: there is none. */
  readonly remedy: string;
  /** Whether the configuration in force has changed. */
  readonly changed: boolean;
  readonly notes: readonly string[];
}

export interface TrustLook {
  readonly project: string;
  readonly path: string;
  readonly state: 'new' | 'trusted' | 'changed' | 'revoked';
  readonly digest: string;
  /** What is in force now; null: the repo is new. */
  readonly trusted: string | null;
  readonly enables: readonly string[];
  /** The agents that are used if the repo's files name none. */
  readonly agents: readonly string[];
  readonly changes: readonly string[];
  /** Whether it may act without a person's consent. */
  readonly mayAct: boolean;
}

/** A repo's files, and their meaning. */
export interface Found {
  readonly source: RepoConfigSource;
  readonly config: RepoConfig;
}

export interface RepoTrust {
  /** Compares the pinned configuration with the present files. Throws `repo_not_found`. */
  compare(project: string): Comparison;
  /**
   * Puts the present files in force if they start nothing untrusted, or if the call trusts them. A broken file changes nothing. Throws `repo_not_found`,
   * `untrusted` if the files have another digest than the given one, and the store's errors.
   */
  refresh(project: string, options: { trust: Yes; way: TrustWay }): Promise<Comparison>;
  /** Revokes the trust: nothing new of the repo starts. Throws `repo_not_found`, and the store's errors. */
  revoke(project: string): Promise<RepoRow>;
  /** Throws `untrusted` if nothing of the repo may start now: its trust was revoked, or trusted paths lead elsewhere by now. */
  mustBeTrusted(project: string): void;
  /** Throws `untrusted` if the worktrees folder is a link, or leads elsewhere than when it was trusted. */
  mustLieInPlace(project: string): void;
  /** The text about a revoked trust, with the remedy; null: it was not revoked, or there is no such repo. */
  revokedText(project: string): string | null;
  /** Why the repo's file cannot be used; null: it can. Cheap while the file is unchanged. Throws `repo_not_found`. */
  fileProblem(project: string): string | null;
}

/** The same for the code that registers and moves repos. */
export interface TrustedRepos extends RepoTrust {
  /** The present files. Throws `bad_config`. */
  read(path: string): Found;
  /** Whether everything that acts was trusted before. */
  isAsTrusted(row: RepoRow, found: Found): boolean;
  changesOf(row: RepoRow | null, found: Found): string[];
}

export function createRepoTrust({ known, changes, addresses, shared, nowMs }: RepoParts): TrustedRepos {
  const { parse, pinned, mustRead, mustBeHere } = known;

  /** The present files. Throws `bad_config`. */
  function read(path: string): Found {
    const source = masked(readTrustSource(path, parse));
    return { source, config: parse(source) };
  }

  /** Whether everything that acts was trusted before. */
  function isAsTrusted(row: RepoRow, { config }: Found): boolean {
    if (row.revokedAt !== null) return false;
    return pinned(row.config)?.digest === config.digest;
  }

  function changesOf(row: RepoRow | null, { source, config }: Found): string[] {
    const before = row === null ? null : pinned(row.config);
    return trustChanges(
      { enables: before?.enables ?? [], prompts: row?.config.found?.prompts ?? {} },
      { enables: config.enables, prompts: row === null ? {} : (source.found?.prompts ?? {}) },
    );
  }

  /** `found` null: the files cannot be used now. */
  function examine(project: string): { comparison: Comparison; found: Found | null } {
    mustBeHere(project);
    const row = mustRead(project);
    const before = pinned(row.config);
    const pinnedNow = { enables: before?.enables ?? [], digest: before?.digest ?? null, changed: false };
    try {
      mustBeThere(project, row.path);
      const found = read(row.path);
      const { config } = found;
      const notes = [...config.notes];
      const untrustedNow = isAsTrusted(row, found) ? [] : nothingOwn(config.enables);
      const differences = { digestNow: config.digest, changes: changesOf(row, found) };
      return {
        comparison: { ...pinnedNow, ...differences, untrusted: untrustedNow, problem: null, remedy: '', notes },
        found,
      };
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      const none = { untrusted: [], digestNow: null, changes: [], notes: [] };
      return { comparison: { ...pinnedNow, ...none, problem: thrown.message, remedy: thrown.hint }, found: null };
    }
  }

  /** The source with the commit of the user's checkout. Throws `bad_repo`. */
  async function atHead(path: string, source: RepoConfigSource): Promise<RepoConfigSource> {
    return withCommit(source, (await inspectRepository(path, shared)).head); // remembered inspections have an older commit
  }

  return {
    ...{ read, isAsTrusted, changesOf },
    compare: (project) => examine(project).comparison,
    refresh: (project, { trust, way }) =>
      changes(project)(async () => {
        const row = mustRead(project);
        const { comparison, found } = examine(project);
        if (found === null) return comparison;
        const isYes = isTrustedBy(trust, { project, config: found.config });
        const mayApply = isYes || isAsTrusted(row, found);
        const source = isYes ? await atHead(row.path, found.source) : withCommit(found.source, row.config.commit);
        if (isYes) await addresses.note(row, { isNew: true }).catch(addresses.warn(project));
        const isSame = row.revokedAt === null && JSON.stringify(source) === JSON.stringify(row.config);
        if (!mayApply || isSame) return comparison;
        // An unchanged meaning keeps its trust date: only comments, order or limits differ.
        const trusted = isAsTrusted(row, found) ? {} : { trustedAt: nowMs(), trustedBy: way, revokedAt: null };
        await known.pin({ ...row, config: source, ...trusted });
        const after = examine(project).comparison;
        return { ...after, changes: comparison.changes, changed: true };
      }),
    async revoke(project) {
      mustBeHere(project);
      return changes(project)(async () => {
        const row = mustRead(project);
        const gone = { ...row, revokedAt: row.revokedAt ?? nowMs() };
        await known.pin(gone);
        return gone;
      });
    },
    mustBeTrusted(project) {
      mustBeHere(project);
      const row = mustRead(project);
      if (row.revokedAt !== null) throw revoked(row, row.revokedAt);
      const names = movedPlaces(row, known.get(project).config);
      if (names.length === 0) return;
      throw new EngineError(
        'untrusted',
        `${project} has changed since it was trusted: ${names.join('; ')}`,
        `see what, and say yes: stator repo trust ${shellWord(project)} --show; stator repo trust ${shellWord(project)}`,
      );
    },
    mustLieInPlace(project) {
      mustBeHere(project);
      const { path, config, worktrees } = known.get(project);
      const now = asTrust(() => worktreesFolder({ path }, config.worktree.dir));
      if (now === worktrees) return;
      const message = `worktrees of ${project} are to be made in ${worktrees}, which leads to ${now} by now`;
      throw new EngineError(
        'untrusted',
        message,
        `say yes to that: stator repo trust ${shellWord(project)}; or put it back`,
      );
    },
    revokedText(project) {
      const row = known.own(project);
      if (row === null || row.revokedAt === null) return null;
      const { message, hint } = revoked(row, row.revokedAt);
      return `${message}; ${hint}`;
    },
    fileProblem(project) {
      const file = join(mustRead(project).path, '.stator', 'config.toml');
      const { mtimeMs = 0, size = 0, ino = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
      const age = `${mtimeMs} ${size} ${ino}`;
      const last = known.fileChecks.get(project);
      // The fault may be in another file or a link, so it is checked again until it is gone.
      if (last?.age === age && last.problem === null) return null;
      const { problem } = examine(project).comparison;
      known.fileChecks.set(project, { age, problem });
      return problem;
    },
  };
}

/** The paths of the files that lead elsewhere than when they were trusted. */
export function movedPlaces(row: RepoRow, config: RepoConfig): string[] {
  const covered = { programs: {}, places: {}, envFiles: {}, ...row.config.found };
  const now = asTrust(() => findPlaces(row.path, config));
  const moved = (['programs', 'places', 'envFiles'] as const).filter(
    (kind) => !isDeepStrictEqual(covered[kind], now[kind]),
  );
  return moved.flatMap((kind) => differing(covered[kind], now[kind]));
}

/** The names under which two tables differ. */
function differing(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]);
}

/** An obstacle of a trusted repo is waited for: a person removes it. */
function asTrust<Answer>(look: () => Answer): Answer {
  try {
    return look();
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    throw new EngineError('untrusted', thrown.message, thrown.hint, { cause: thrown });
  }
}

/** Hides secrets that hooks should take from a variable. */
function masked(source: RepoConfigSource): RepoConfigSource {
  const { text, kasmosText } = source;
  return {
    ...source,
    text: text === null ? null : withoutHookSecrets(text),
    kasmosText: kasmosText === null ? null : withoutHookSecrets(kasmosText),
  };
}

/** Trust that was given before there was a commit has none until it is given again. */
export function withCommit(source: RepoConfigSource, commit: string | undefined): RepoConfigSource {
  return commit === undefined ? source : { ...source, commit };
}

/** Whether the call trusts it. Throws `untrusted` if the call trusts another digest. */
export function isTrustedBy(trust: Yes, { project, config }: { project: string; config: RepoConfig }): boolean {
  if (typeof trust === 'boolean') return trust;
  if (trust.toLowerCase() === config.digest) return true;
  throw otherDigest({ project, given: trust, config });
}

/** A missing folder is different from a deleted file: the trust is kept. Throws `bad_repo`. */
function mustBeThere(project: string, path: string): void {
  if (existsSync(join(path, '.git'))) return;
  const what = existsSync(path) ? `${path} is no git repository any more` : `there is no folder ${path}`;
  const moved = `where it was moved: stator repo move ${shellWord(project)} <path>`;
  throw new EngineError(
    'bad_repo',
    what,
    `put it back; ${moved}; or take the repo out: stator repo remove ${shellWord(project)}`,
  );
}
