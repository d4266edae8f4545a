/** Troubles of git in a repository: leftovers of killed gits, and filters that do not run. */
import { tryOwnGit } from './git.ts';
import { gitFolderAt } from './git-folder.ts';
import { leftOverLocks } from './lock-file.ts';
import { brokenEntryWords } from './worktree-entry.ts';

/** Read from files alone, since git itself may be unable to report it: one sentence for each leftover, with the remedy; none if all is well. `path` is the main working tree. */
export function gitFaults(path: string): string[] {
  const commonDir = gitFolderAt(path);
  return [...brokenEntryWords(commonDir), ...leftOverLocks(commonDir)];
}

/** The filters that the attributes of HEAD's files name, each with the user's own command for it; null: they have none, so the filter does not run. */
export async function filtersOf(path: string): Promise<Map<string, string | null>> {
  const attributes = ['grep', '-h', '-E', '^[^#].*[[:space:]]filter=', 'HEAD', '--', ':(top,glob)**/.gitattributes'];
  const { stdout } = await tryOwnGit(path, attributes);
  const names = [...new Set([...stdout.matchAll(/\sfilter=(\S+)/g)].map(([, name = '']) => name))].sort();
  const args = ['config', '--show-scope', '--get-regexp', '^filter[.].*[.](clean|smudge|process)$'];
  const settings = names.length === 0 ? [] : (await tryOwnGit(path, args)).stdout.split('\n');
  const commandOf = (name: string): string | null => {
    const [, command = null] =
      settings
        .map((line) => /^(?:global|system)\tfilter\.(.+)\.\w+ (.+)$/.exec(line)?.slice(1) ?? [])
        .findLast(([of]) => of === name) ?? [];
    return command;
  };
  return new Map(names.map((name) => [name, commandOf(name)]));
}
