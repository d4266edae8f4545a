/**
 * The parts of a repo that need trust: the texts of its configuration and prompts, the programs and env files of the repo that these name, and the targets of
 * its links. All of them are shown, and pinned, when the repo is trusted.
 */
import { statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import {
  allPlayersOf,
  digestedBytes,
  digestedLimitBytes,
  type FoundBesides,
  fileDigest,
  opensOf,
  type Preset,
  type RepoConfig,
  type RepoConfigSource,
  readRepoConfigSource,
} from '../../base/config/config.ts';
import { realPathOrNull } from '../../base/platform/quiet-look.ts';
import { isOwnEnvFile, readEnvFile } from '../agents/env-file.ts';
import { settingsOf } from '../agents/presets/project-settings.ts';
import { readTemplates } from '../agents/prompts/template-files.ts';
import { isWithin, worktreesFolder } from '../git/worktree-folder.ts';

/** The targets of those files, except for the prompts, which are pinned whole. */
export type FoundPlaces = Required<Omit<FoundBesides, 'prompts' | 'settings'>>;

/** Parses the configuration of a source; may throw `bad_config`. */
type Parse = (source: RepoConfigSource) => Pick<RepoConfig, 'worktree' | 'hooks' | 'ownAgents' | 'profiles'>;

/** The most words of a command line that are looked up as files. */
const wordLimit = 200;

/** The repo's present files. Throws `bad_config` for files that cannot be read, parsed or accepted. */
export function readTrustSource(repo: string, parse: Parse): RepoConfigSource {
  const source = readRepoConfigSource(repo);
  const prompts = readTemplates(repo);
  const config = parse(source);
  const settings = settingsOf(repo, { presets: presetsOf(config), copy: config.worktree.copy });
  const others = Object.keys(settings).length === 0 ? {} : { settings };
  return { ...source, found: { prompts, ...findPlaces(repo, config), ...others } };
}

/** The profiles of all agents that may be started, wherever they are configured. */
function presetsOf({ profiles }: ReturnType<Parse>): Set<Preset> {
  const all = Object.values(profiles).filter(({ enabled }) => enabled);
  return new Set(all.flatMap((own) => allPlayersOf(own).map(({ preset }) => preset)));
}

/**
 * The present targets of the configuration. Throws `bad_config` if worktrees would be made through a link, for an env file that decides what programs
 * load, and for command lines that name too much.
 */
export function findPlaces(repo: string, config: ReturnType<Parse>): FoundPlaces {
  const { worktree, hooks, ownAgents } = config;
  const opened = hooks.map(opensOf);
  const lines = [
    ...ownAgents.flatMap(({ program, flags }) => [program ?? '', ...(flags ?? [])]),
    worktree.setup ?? '',
    ...opened.map(({ command = '' }) => command),
  ];
  // The files of a hook without a command are only sent, and start nothing.
  const sent = opened.filter(({ command }) => command === undefined).map(({ envFile }) => envFile);
  const given = [
    ...ownAgents.map(({ env_file: file }) => file),
    ...opened.filter(({ command }) => command !== undefined).map(({ envFile }) => envFile),
  ];
  const filesOf = (named: typeof given) =>
    [...new Set(named.filter((file) => file != null && file !== ''))] as string[]; // by the filter
  const envFiles = filesOf(given);
  const folder = worktreesFolder({ path: repo }, worktree.dir);
  const places = [
    ...[...filesOf([...given, ...sent]), ...worktree.copy].map(
      (named) => [named, realPathOrNull(resolve(repo, named))] as const,
    ),
    [worktree.dir, folder] as const,
  ].filter(([named, real]) => real !== null && real !== resolve(repo, named));
  return {
    programs: programsIn(repo, lines),
    places: Object.fromEntries(places) as Record<string, string>, // the filter above removed null
    envFiles: Object.fromEntries(envFiles.flatMap((file) => envFileIn(repo, file))),
  };
}

/**
 * Removes files to which a command writes its output: they change with every run, and are not executed. If quotes could change the meaning of `>`, nothing is
 * removed.
 */
function withoutOutputs(line: string): string {
  return /["'`\\]/.test(line) ? line : line.replace(/>{1,2}\s*[^\s;&|()<>]+/g, ' ');
}

/** The files of the repo that command lines name, each with its digest. Throws `bad_config`. */
function programsIn(repo: string, lines: readonly string[]): Record<string, string> {
  const files = [...new Set(lines.flatMap((line) => filesIn(repo, line)))];
  let bytes = 0;
  for (const file of files) {
    bytes += digestedBytes(statSync(file).size);
    if (bytes > digestedLimitBytes) throw tooMuch(repo, file);
  }
  return Object.fromEntries(files.map((file) => [relative(repo, file), fileDigest(file)]));
}

function tooMuch(repo: string, file: string): EngineError {
  const mebibytes = digestedLimitBytes / 1024 ** 2;
  return new EngineError(
    'bad_config',
    `the commands of ${repo} name files of more than ${mebibytes} MiB together, as ${file}, so they cannot be shown as a whole`,
    'name fewer of them in .stator/config.toml: a script can name the others',
  );
}

/** The files that a command line names, as a whole or with any of its words. */
function filesIn(repo: string, line: string): string[] {
  const words = withoutOutputs(line)
    .split(/[\s"'`;&|()<>=]+/)
    .slice(0, wordLimit);
  return [line.trim(), ...words].map((word) => ownFile(repo, word)).filter((file) => file !== null);
}

/** A file of the repo, by its real path; null: it is no file, or lies elsewhere. */
function ownFile(repo: string, word: string): string | null {
  if (word === '' || word.startsWith('-') || word.length > 4_096) return null;
  const file = resolve(repo, word);
  if (!isWithin(repo, file) || file === repo) return null;
  try {
    return statSync(file).isFile() ? file : null;
  } catch {
    return null; // most words are no files
  }
}

/** The whole env file, because each line affects the started programs. A file outside the repo is the user's own. Throws `bad_config`. */
function envFileIn(repo: string, named: string): [string, string][] {
  const file = resolve(repo, named);
  if (!isOwnEnvFile(file, repo) || statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return [];
  try {
    readEnvFile(named, repo);
  } catch (thrown) {
    // Other faults are reported when something is started with it.
    if (thrown instanceof EngineError && thrown.code === 'bad_config') throw thrown;
    if (!(thrown instanceof EngineError)) throw thrown;
  }
  return [[named, fileDigest(file)]];
}
