/**
 * The command line of a judge. If it names a file of the repository, the trusted file of the main folder is used, never the branch's: otherwise a coder could
 * write the script that judges its work. Files that a program executes from its folder without naming them cannot be detected. The profile lists them
 * (`trusted_files`), and then the judge's checkout has the trusted versions. Without that list, commands that are known to do so are refused.
 */
import { statSync } from 'node:fs';
import { basename, isAbsolute, resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isWithin } from '../git/worktree-folder.ts';

export interface JudgePlaces {
  readonly role: string;
  readonly repo: string;
  readonly worktree: string;
  /** The trusted files, as paths from its root. */
  readonly trustedFiles: readonly string[];
}

export interface TrustedWords {
  readonly text: string;
  /** The files of the main folder in the text. */
  readonly files: readonly string[];
}

/** Separators of the words of a command line, quotes included. */
const separator = /[\s"'`;&|()<>=]+/;
/** Has the same meaning inside quotes and without them. */
const plainPath = /^[\w@%+.,:/-]+$/;
/** Some of the programs that execute a file of the folder without naming it, and `cd`, after which paths mean other files. */
const indirect: ReadonlySet<string> = new Set([
  ...[
    'npm',
    'pnpm',
    'yarn',
    'npx',
    'bun',
    'bunx',
    'make',
    'gmake',
    'just',
    'rake',
    'cargo',
    'gradle',
    'mvn',
    'tox',
    'nox',
  ],
  // Names that are not ordinary words, so that any word of the line may be one.
  ...['deno', 'sbt', 'lein', 'dotnet', 'composer', 'bazel', 'poetry', 'pipenv', 'uvx', 'pytest', 'jest', 'vitest'],
  ...['mocha', 'gulp', 'grunt', 'pre-commit'],
  ...['cd', 'pushd', 'direnv'],
]);
/** Variables of a run whose paths are outside the checkout. */
const ownVariable = /^\$\{?(?:STATOR_\w+|HOME|TMPDIR)\}?\//;

/** Whether a program executes files that it finds in its folder. */
export function isIndirect(program: string): boolean {
  return indirect.has(basename(program));
}

/** A shell command line for a judge. Throws `agent_unusable`. */
export function trustedLine(text: string, places: JudgePlaces): TrustedWords {
  const words = places.trustedFiles.length > 0 ? [] : text.split(separator);
  for (const [index, word] of words.entries()) {
    const name = basename(word);
    const isModule = word === '-m' && /^python[\d.]*$/.test(basename(words[index - 1] ?? ''));
    if (isIndirect(word) || isModule) throw refused(`runs what ${name} finds in the branch`, text, places);
    const isHidden = word.includes('/') && /[$*?[\]{}\\]/.test(word) && !ownVariable.test(word);
    if (isHidden) throw refused(`names ${word}, and only the shell knows which file that is`, text, places);
    if (kindIn(places.worktree, word) === 'folder')
      throw refused(`names the folder ${word} of the branch`, text, places);
  }
  return trustedWords(text, places);
}

/** The same for an argument, which only the program itself interprets. Throws `agent_unusable`. */
export function trustedWords(text: string, places: JudgePlaces): TrustedWords {
  const { repo } = places;
  const files = new Set<string>();
  const words = text.split(new RegExp(`(${separator.source})`)).map((part, index) => {
    if (index % 2 === 1 || part === '' || isTrusted(part, places)) return part;
    if (kindIn(repo, part) !== 'file') {
      if (kindIn(places.worktree, part) === 'file')
        throw refused(`names ${part}, which the branch has and the main folder has not`, text, places);
      return part;
    }
    const file = resolve(repo, part);
    if (!plainPath.test(file))
      throw refused(`names ${part}, and a shell reads characters of its path: ${file}`, text, places);
    files.add(file);
    return file;
  });
  return { text: words.join(''), files: [...files] };
}

/** Whether it is a checkout file with trusted content. */
function isTrusted(word: string, { worktree, trustedFiles }: JudgePlaces): boolean {
  if (isAbsolute(word)) return false;
  return trustedFiles.some((path) => isWithin(resolve(worktree, path), resolve(worktree, word)));
}

/** The kind of a relative path below that folder; null: it does not exist, or leads out of the folder. */
function kindIn(folder: string, word: string): 'file' | 'folder' | null {
  if (word === '' || isAbsolute(word) || word.startsWith('-') || word.length > 4_096) return null;
  const path = resolve(folder, word);
  if (!isWithin(folder, path) || path === folder) return null;
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? 'file' : found?.isDirectory() === true ? 'folder' : null;
}

function refused(why: string, text: string, { role }: JudgePlaces): EngineError {
  return new EngineError(
    'agent_unusable',
    `the ${role} is started by "${text.slice(0, 200)}", which ${why}: who wrote the branch would judge it`,
    `say under [agents.${role}] all that it carries out of the repository, and it has that as you trusted it: trusted_files = ["scripts", "package.json"]; or name a script of the main folder: program = "./scripts/review.sh"`,
  );
}
