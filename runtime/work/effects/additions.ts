/**
 * Finds additions of a change that a person must approve: keys and tokens, files whose names suggest secrets, large files, and folders with many new files
 * that are not ignored. An approved addition is not asked about again in that plan.
 */
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { storedPlan } from '../../../actors/stored-tree.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { counted } from '../../../machines/vocabulary/numbers.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import type { PlanKey, Store } from '../../core/store/port.ts';
import { type AddedFile, addedFiles, foldersIn, textOfFile } from '../git/added.ts';
import type { Repository } from '../git/repository.ts';
import type { Projects } from '../repos/registry.ts';
import type { Found, SecretSearch } from './secrets/search.ts';

/** The limits in force; null: no question is put. */
export interface AdditionLimits {
  readonly secrets: boolean;
  readonly fileBytes: number | null;
  readonly newFiles: number | null;
}

export interface Additions {
  /** The additions, and the command that shows them. */
  readonly added: string;
  readonly question: string;
  /** The additions that an approval covers, in the form that the plan stores. */
  readonly accepts: string[];
}

interface Finding {
  /** The addition's identity, by which it is recognized again. */
  readonly key: string;
  readonly text: string;
}

interface Change {
  readonly base: string;
  readonly head: string;
  /** The folder with the files of `head`; null: none. */
  readonly worktree: string | null;
}

/** A longer text does not count as source, and is asked about as a large file. */
const textLimitBytes = 5 * 1024 ** 2;
/** The limit for one change; files beyond it are reported as not searched. */
const textsLimitBytes = 32 * 1024 ** 2;
/** The new files of one folder may together have this many times the size that one file may have. */
const folderFactor = 10;
const shownFindings = 10;
const rememberedFindings = 1_000;

/** File names under which programs store keys and passwords. */
const secretNames =
  /^(?:\.env(?:\.(?!example|sample|template|dist|defaults|test$|schema)[\w.-]+)?|id_(?:rsa|dsa|ecdsa|ed25519)|.+\.(?:p12|pfx|jks|keystore|kdbx|ppk)|\.netrc|_netrc|\.pgpass|\.git-credentials|\.htpasswd)$/i;

/** null: there is nothing to ask. Throws git's errors. */
export async function askedAdditions(
  { store, secrets }: { readonly store: Pick<Store, 'tree'>; readonly secrets: SecretSearch },
  repo: Repository,
  { plan, limits, ...change }: Change & { readonly plan: PlanKey; readonly limits: AdditionLimits },
): Promise<Additions | null> {
  if (!limits.secrets && limits.fileBytes === null && limits.newFiles === null) return null;
  const files = await addedFiles(repo, change.base, change.head);
  if (files.length === 0) return null;
  const folders = await newInFolders(repo, files, { base: change.base, limits });
  const many = folders.filter(({ count }) => limits.newFiles !== null && count > limits.newFiles);
  const heavy = folders.filter(({ bytes }) => limits.fileBytes !== null && bytes > limits.fileBytes * folderFactor);
  const inMany = (path: string) => many.some(({ folder }) => path.startsWith(`${folder}/`));
  const others = files.filter(({ path }) => !inMany(path));
  const found = [
    ...(limits.secrets ? await secretsIn(secrets, repo, { files: others, worktree: change.worktree }) : []),
    ...many.map(({ folder, count }) => ({
      key: `many ${folder}`,
      text: `${folder}/: ${count} new files that no .gitignore covers`,
    })),
    ...largeIn(files, limits.fileBytes),
    ...heavy
      .filter((each) => !many.includes(each))
      .map(({ folder, count, bytes }) => ({
        key: `heavy ${folder}`,
        text: `${folder}/: ${count} new files of ${mebibytes(bytes)} together`,
      })),
  ];
  const known = found.length === 0 ? new Set<string>() : await acceptedIn(store, plan);
  const asked = found
    .map((finding) => ({ ...finding, key: digestOf(finding.key) }))
    .filter(({ key }) => !known.has(key));
  if (asked.length === 0) return null;
  const added = addedText(asked, change);
  return { added, question: questionOf(added), accepts: asked.slice(0, rememberedFindings).map(({ key }) => key) };
}

/**
 * The same for a judge's own commits, for which no person is asked: they are not put on the branch if a person would have to approve them. null: they may be
 * put there.
 */
export async function withheldFrom(
  parts: { readonly store: Pick<Store, 'tree'>; readonly projects: Projects; readonly secrets: SecretSearch },
  repo: Repository,
  { plan, ...change }: Change & { readonly plan: PlanKey },
): Promise<string | null> {
  const limits = parts.projects.get(plan.project).config.confirmAdditions;
  return (await askedAdditions(parts, repo, { ...change, plan, limits }))?.added ?? null;
}

function addedText(asked: readonly Finding[], { base, head }: Change): string {
  const shown = asked.slice(0, shownFindings).map(({ text }) => text);
  const more = asked.length > shownFindings ? `; and ${asked.length - shownFindings} more` : '';
  const look = `git diff --stat ${base.slice(0, 12)} ${head.slice(0, 12)}`;
  return safeText(`${shown.join('; ')}${more} (${look})`);
}

function questionOf(added: string): string {
  return `its work adds ${added}. Are they to be in git? "yes" takes the work, and they are not asked about again in this plan; anything else sends it back to the agent with your words`;
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

/** The additions that a person has already approved. */
async function acceptedIn(store: Pick<Store, 'tree'>, { project, plan }: PlanKey): Promise<ReadonlySet<string>> {
  const address = planTree(project, plan);
  const row = await store.tree(address);
  return new Set(row === null ? [] : (storedPlan(address, row.stored).context.accepted ?? []));
}

function largeIn(files: readonly AddedFile[], limit: number | null): Finding[] {
  if (limit === null) return [];
  return files
    .filter(({ bytes }) => bytes > limit)
    .map(({ path, bytes }) => ({ key: `large ${path}`, text: `${path}: ${mebibytes(bytes)}` }));
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

interface NewInFolder {
  readonly folder: string;
  readonly count: number;
  /** Without the files that are too large each by itself. */
  readonly bytes: number;
}

/** A new folder counts with all of its files, under the topmost new folder; an existing folder counts only with the new files directly in it. */
async function newInFolders(
  repo: Repository,
  files: readonly AddedFile[],
  { base, limits: { newFiles, fileBytes } }: { readonly base: string; readonly limits: AdditionLimits },
): Promise<NewInFolder[]> {
  const added = files.filter(({ before }) => before === null);
  const small = (bytes: number) => (fileBytes === null || bytes > fileBytes ? 0 : bytes);
  const total = added.reduce((sum, { bytes }) => sum + small(bytes), 0);
  const mayBeMany = newFiles !== null && added.length > newFiles;
  if (!mayBeMany && (fileBytes === null || total <= fileBytes * folderFactor)) return [];
  const known = await foldersIn(repo, base);
  const found = new Map<string, NewInFolder>();
  for (const { path, bytes } of added) {
    const parts = dirname(path).split('/');
    const ways = parts.map((_, at) => parts.slice(0, at + 1).join('/'));
    const folder = ways.find((way) => way !== '.' && !known.has(way)) ?? dirname(path);
    const before = found.get(folder) ?? { folder, count: 0, bytes: 0 };
    found.set(folder, { folder, count: before.count + 1, bytes: before.bytes + small(bytes) });
  }
  return [...found.values()];
}

async function secretsIn(
  search: SecretSearch,
  repo: Repository,
  { files, worktree }: { readonly files: readonly AddedFile[]; readonly worktree: string | null },
): Promise<Finding[]> {
  const texts: { path: string; content: string }[] = [];
  const unread: string[] = [];
  let bytes = 0;
  for (const file of files) {
    if (file.bytes > textLimitBytes) continue;
    const isBeyond = bytes + file.bytes > textsLimitBytes;
    const content = isBeyond ? null : await textOfFile(repo, file, worktree);
    if (isBeyond) unread.push(file.path);
    if (content === null) continue;
    bytes += file.bytes;
    texts.push({ path: file.path, content });
  }
  const found = await search.in(texts);
  const named = files
    .filter(({ path, before }) => before === null && secretNames.test(basename(path)))
    .map(({ path }) => ({ key: `name ${path}`, text: `${path}: a file that by its name holds keys or passwords` }));
  const unsearched = found === null ? texts.map(({ path }) => path) : [];
  const isNew = await newIn(search, repo, { files, found: found ?? [] });
  return [
    ...isNew,
    ...named.filter(({ text }) => !isNew.some((other) => other.text.startsWith(`${text.split(':')[0]} `))),
    ...unknownIn(unread, `together they are over ${mebibytes(textsLimitBytes)}`),
    ...unknownIn(unsearched, 'the search took too long, or failed'),
  ];
}

function unknownIn(paths: readonly string[], why: string): Finding[] {
  if (paths.length === 0) return [];
  const key = `unread ${digestOf([...paths].sort().join('\n'))}`;
  return [{ key, text: `${counted(paths.length, 'file')} not searched for keys, as ${paths[0]}: ${why}` }];
}

/** The findings that the earlier version of the file did not have. */
async function newIn(
  search: SecretSearch,
  repo: Repository,
  { files, found }: { readonly files: readonly AddedFile[]; readonly found: readonly Found[] },
): Promise<Finding[]> {
  const changed = files.filter(({ path, before }) => before !== null && found.some((each) => each.path === path));
  const before: { path: string; content: string }[] = [];
  for (const { path, before: id } of changed) {
    const content = id === null ? null : await textOfFile(repo, { path, id, bytes: 0 }, null);
    if (content !== null) before.push({ path, content });
  }
  const known = new Set((await search.in(before))?.map(({ path, digest }) => `${path} ${digest}`));
  return found
    .filter(({ path, digest }) => !known.has(`${path} ${digest}`))
    .map(({ path, line, kind, digest }) => ({
      key: `secret ${path} ${kind} ${digest}`,
      text: `${path} line ${line}: a secret (${kind})`,
    }));
}
