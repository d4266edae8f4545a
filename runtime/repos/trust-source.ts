/**
 * What a repo's files are, and what they lead to: the texts of its configuration and of its prompts, the programs of its own that it names, the places
 * behind its links, the variables of its env files that make other programs load something. All of it is shown, and pinned, when the repo is trusted.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { readEnvFile } from '../agents/env-file.ts';
import { readTemplates } from '../agents/prompts/template-files.ts';
import {
  type FoundBesides,
  type RepoConfig,
  type RepoConfigSource,
  readRepoConfigSource,
  sha256,
} from '../config/config.ts';
import { isWithin, worktreesFolder } from '../git/worktree-folder.ts';

/** What those files lead to, the prompts aside, which are pinned whole. */
export type FoundPlaces = Omit<FoundBesides, 'prompts'>;

/** The configuration that a source means; a parser that throws `bad_config` is asked for nothing else. */
type Parse = (source: RepoConfigSource) => Pick<RepoConfig, 'worktree' | 'hooks' | 'ownAgents'>;

/** A larger file is compiled, or no program at all; it is known by its size and its age. */
const contentLimitBytes = 16 * 1024 * 1024;
/** Words of a command line that are looked up as files. */
const wordLimit = 200;

/** The repo's files as they are now. Throws `bad_config` for what cannot be read, parsed or taken. */
export function readTrustSource(repo: string, parse: Parse): RepoConfigSource {
  const source = readRepoConfigSource(repo);
  const prompts = readTemplates(repo);
  return { ...source, found: { prompts, ...findPlaces(repo, parse(source)) } };
}

/** What the configuration leads to now. Throws `bad_config` where worktrees would be made through a link. */
export function findPlaces(repo: string, config: ReturnType<Parse>): FoundPlaces {
  const { worktree, hooks, ownAgents } = config;
  const lines = [
    ...ownAgents.flatMap(({ program, flags }) => [program ?? '', ...(flags ?? [])]),
    worktree.setup ?? '',
    ...hooks.map((hook) => (hook.type === 'command' ? hook.command : '')),
  ];
  const named = [
    ...ownAgents.map(({ env_file: file }) => file),
    ...hooks.map((hook) => (hook.type === 'notify' ? null : hook.envFile)),
  ];
  const envFiles = [...new Set(named.flatMap((file) => (file == null || file === '' ? [] : [file])))];
  const folder = worktreesFolder({ path: repo }, worktree.dir);
  const places = [
    ...[...envFiles, ...worktree.copy].map((named) => [named, realOf(resolve(repo, named))] as const),
    [worktree.dir, folder] as const,
  ].filter(([named, real]) => real !== null && real !== resolve(repo, named));
  return {
    programs: Object.fromEntries(lines.flatMap((line) => programsIn(repo, line))),
    places: Object.fromEntries(places) as Record<string, string>, // without null, by the filter above
    loaders: Object.fromEntries(envFiles.flatMap((file) => loadersIn(repo, file))),
  };
}

/** A file that a command writes its output to changes with every run, and is none that it runs. Where quotes could hide what `>` means, nothing is left out. */
function withoutOutputs(line: string): string {
  return /["'`\\]/.test(line) ? line : line.replace(/>{1,2}\s*[^\s;&|()<>]+/g, ' ');
}

/** The files of the repo that a command line names: the whole of it, or any of its words. */
function programsIn(repo: string, line: string): [string, string][] {
  const words = withoutOutputs(line)
    .split(/[\s"'`;&|()<>=]+/)
    .slice(0, wordLimit);
  const files = [...new Set([line.trim(), ...words])]
    .map((word) => ownFile(repo, word))
    .filter((file) => file !== null);
  return [...new Set(files)].map((file) => [relative(repo, file), contentOf(file)]);
}

/** A file of the repo, by its own path; null: it is none, or lies elsewhere. */
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

function contentOf(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return size > contentLimitBytes ? sha256(`${size} ${mtimeMs}`) : sha256(readFileSync(file));
}

function realOf(path: string): string | null {
  return existsSync(path) ? realpathSync(path) : null;
}

/** An env file outside of the repo is the user's own. */
function loadersIn(repo: string, named: string): [string, string][] {
  const file = resolve(repo, named);
  if (!isWithin(repo, file)) return [];
  try {
    const { variables } = readEnvFile(named, repo);
    const loaders = Object.entries(variables).filter(([name]) => loads.test(name));
    return loaders.map(([name, value]) => [`${named} ${name}`, sha256(value)]);
  } catch (thrown) {
    if (thrown instanceof EngineError) return []; // a file that is not there, or is broken, sets nothing: whoever starts an agent with it is told
    throw thrown;
  }
}

/** Variables by which a program that is started loads or runs something else. */
const loads =
  /^(?:LD_.*|DYLD_.*|GIT_.*|PATH|SHELL|ENV|BASH_ENV|BASH_FUNC_.*|PROMPT_COMMAND|IFS|EDITOR|VISUAL|PAGER|BROWSER|SSH_ASKPASS|NODE_OPTIONS|NODE_PATH|npm_config_.*|PYTHON(?:PATH|HOME|STARTUP|INSPECT)|PERL5(?:LIB|OPT|DB)|RUBY(?:OPT|LIB)|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|GCONV_PATH|MAKEFLAGS|CARGO_.*|RUSTC_WRAPPER|GOFLAGS)$/i;
