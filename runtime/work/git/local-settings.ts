/**
 * Overrides the programs that a repository's own configuration names, and the files that it has git write. The author of `.git/config` is not known: it may come from an archive, a shared disk or
 * an agent. So only the user's own settings (system, global) may name a program, and the repository's settings are overridden by name. A file without any of
 * these settings' names is not parsed, and costs no process.
 */
import { accessSync, type BigIntStats, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';

/** One setting, as `git config --list` has it: section and name in small letters. */
export interface Setting {
  readonly key: string;
  readonly value: string;
}

/** Lists the settings of one configuration file, without its includes; or those of the user's own files, with includes. */
export type ListSettings = (source: { readonly file: string } | 'own') => Promise<readonly Setting[]>;

interface Rule {
  readonly key: RegExp;
  /** The override if the user has no such setting. */
  readonly off: string | (() => string);
  /** The setting is a list: an empty value first clears it. */
  readonly isList?: boolean;
  /** The setting that switches it off, if that is another one. */
  readonly by?: string;
}

/** git's default merge: an empty driver would silently keep our side. */
const textMerge = 'git merge-file -q --marker-size=%L %A %O %B';

/** `git help --config` and gitattributes(5), githooks(5), git-lfs-config(5): settings that name a program or a file, and that are not already off in every command. */
const rules: readonly Rule[] = [
  { key: /^filter\..+\.(clean|smudge|process)$/s, off: '' },
  { key: /^filter\..+\.required$/s, off: 'false' },
  { key: /^merge\..+\.driver$/s, off: textMerge },
  { key: /^diff\.external$/, off: 'true' },
  { key: /^diff\..+\.command$/s, off: 'true' },
  { key: /^diff\..+\.textconv$/s, off: 'cat' },
  { key: /^core\.sshcommand$/, off: 'ssh' },
  { key: /^core\.gitproxy$/, off: 'none' },
  { key: /^core\.askpass$/, off: '' },
  { key: /^(core|sequence)\.editor$/, off: 'true' },
  { key: /^core\.pager$/, off: 'cat' },
  { key: /^pager\../s, off: 'false' },
  { key: /^core\.alternaterefscommand$/, off: 'true' },
  { key: /^gpg\.(.+\.)?program$/s, off: 'false' },
  { key: /^gpg\.ssh\.defaultkeycommand$/, off: 'false' },
  { key: /^credential\.(.+\.)?helper$/s, off: '', isList: true },
  { key: /^interactive\.difffilter$/, off: 'cat' },
  { key: /^trailer\..+\.(command|cmd)$/s, off: 'true' },
  { key: /^submodule\..+\.update$/s, off: 'none' },
  { key: /^hook\..+\.(command|event)$/s, off: 'false', by: 'enabled' },
  { key: /^lfs\.(customtransfer|extension)\../s, off: 'false' },
  { key: /^lfs\.(.+\.)?standalonetransferagent$/s, off: '' },
  // These are not programs but files that git reads whole: reading a pipe would never end, and the content of a copied file would be visible inside walls.
  { key: /^core\.excludesfile$/, off: () => usersFile('ignore') },
  { key: /^core\.attributesfile$/, off: () => usersFile('attributes') },
  { key: /^mailmap\.file$/, off: '' },
  { key: /^diff\.orderfile$/, off: '/dev/null' },
  // With these, git reads any file as cookies, and writes cookies of the server over it.
  { key: /^http\.(.+\.)?savecookies$/s, off: 'false' },
  { key: /^http\.(.+\.)?cookiefile$/s, off: '' },
  // Who carries the user's credentials, and who counts as the server that gets them. No file at all is trusted in the place of one that the repository names.
  { key: /^http\.(.+\.)?sslverify$/s, off: 'true' },
  { key: /^http\.(.+\.)?(sslcainfo|sslcapath)$/s, off: '/dev/null' },
  { key: /^(http\.(.+\.)?|remote\..+\.)proxy$/s, off: usersProxy },
  { key: /^http\.(.+\.)?curloptresolve$/s, off: '', isList: true },
];

/** The user's file that git reads by default. */
export function usersFile(name: 'ignore' | 'attributes' | 'config'): string {
  return join(process.env.XDG_CONFIG_HOME || join(process.env.HOME || homedir(), '.config'), 'git', name);
}

/** git tells the proxies of the environment apart by the address; where they differ, that of https counts here. */
function usersProxy(): string {
  const { env } = process;
  return env.https_proxy || env.HTTPS_PROXY || env.http_proxy || env.all_proxy || env.ALL_PROXY || '';
}

/** The section header and the name of a setting have only one spelling, so a search for them is enough. */
const needsLook =
  /\[(filter|merge|diff|pager|gpg|credential|interactive|trailer|submodule|hook|lfs|sequence|mailmap|include|includeif)\b|(sshcommand|askpass|editor|pager|alternaterefscommand|worktreeconfig|excludesfile|attributesfile|savecookies|cookiefile|sslverify|sslca|proxy|curloptresolve)/i;

const maxFileBytes = 1024 * 1024;
/** The size limit of a file that contains one path. */
const maxPointerBytes = 8 * 1024;
/** Git's own limit for files that include each other. */
const maxDepth = 10;
const maxKnown = 1_000;
/** A file that was written this recently may be written again with the same time. */
const settledMs = 100;

interface Known {
  /** The states of the files, also of missing ones. */
  readonly files: ReadonlyMap<string, string>;
  readonly overrides: readonly Setting[];
}

const known = new Map<string, Known>();

/**
 * The overrides for a git in `gitDir`, an absolute path (and in `commonDir`, if the command names one), so that no setting of the repository names a program.
 * They are in git's order: the last one of a name counts. Throws `unsafe_path` for a configuration file that is no plain file or too large, and the errors of
 * `list`.
 */
export async function overridesFor(
  { gitDir: named, commonDir }: { readonly gitDir: string; readonly commonDir: string | null },
  list: ListSettings,
): Promise<readonly Setting[]> {
  const gitDir = realPath(named);
  const common = commonDir ?? commonDirOf(gitDir);
  const place = `${gitDir}\0${common}`;
  const remembered = known.get(place);
  if (remembered !== undefined && isUnchanged(remembered)) return remembered.overrides;
  known.delete(place);
  const files = new Map<string, string>();
  const shared = await readFile(join(common, 'config'), { files, list, depth: 0 });
  const hasMore = shared.some(({ key, value }) => key === 'extensions.worktreeconfig' && !isFalse(value));
  const more = hasMore ? await readFile(join(gitDir, 'config.worktree'), { files, list, depth: 0 }) : [];
  const settings = [...shared, ...more];
  const keys = [...new Set(settings.map(({ key }) => key))].filter((key) => ruleFor(key) !== undefined);
  for (const key of keys) mustBeText(key, join(common, 'config'));
  const own = keys.length === 0 ? [] : await list('own');
  const overrides = keys.flatMap((key) => overruled(key, own));
  if ([...files.keys()].every(isSettled)) remember(place, { files, overrides });
  return overrides;
}

/**
 * The git folders in which a command in `cwd` may work, the nearest first. git skips an invalid `.git`, so the folders above are included up to the first one
 * that git is sure to use. Throws `unsafe_path` for a `.git` file that does not contain one path.
 */
export function gitDirsFrom(cwd: string): readonly string[] {
  const found: string[] = [];
  for (let folder = realPath(cwd); ; folder = dirname(folder)) {
    const gitDir = gitDirAt(basename(folder) === '.git' ? folder : join(folder, '.git'));
    if (gitDir !== null) found.push(gitDir);
    if ((gitDir !== null && isSurelyGits(gitDir)) || dirname(folder) === folder) return found;
  }
}

/** The folder at `place`, or the target of the file there; null: neither. Throws `unsafe_path` for a file that does not contain one path. */
export function gitDirAt(place: string): string | null {
  const found = statSync(place, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return place;
  if (found?.isFile() !== true) return null;
  const text = readPointer(place, found.size);
  const opening = 'gitdir: ';
  return text.startsWith(opening) ? below(dirname(place), text.slice(opening.length)) : null;
}

/** Whether git is sure to accept it as a git folder. */
function isSurelyGits(gitDir: string): boolean {
  try {
    if (!/^(ref: refs\/\S+|[0-9a-f]{40}|[0-9a-f]{64})\n$/.test(headOf(gitDir))) return false;
    const common = commonDirOf(gitDir);
    for (const name of ['objects', 'refs']) accessSync(`${common}/${name}`, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Empty if it is no plain file: a pipe is not read. */
function headOf(gitDir: string): string {
  const file = `${gitDir}/HEAD`;
  return statSync(file).isFile() ? readFileSync(file, 'latin1') : '';
}

/** The path in a file of git, without the line end. */
function readPointer(file: string, sizeBytes: number): string {
  const text = sizeBytes > maxPointerBytes ? null : readFileSync(file, 'utf8').replace(/[\r\n]+$/, '');
  if (text !== null && !/[\0\uFFFD]/.test(text)) return text;
  const what = text === null ? `has more than ${maxPointerBytes} bytes` : 'is no text';
  throw new EngineError(
    'unsafe_path',
    `${file} ${what}, where one path is expected, so git is not run there`,
    `look at it: head -c 300 ${shellWord(file)}`,
  );
}

/** Resolves a path as the system does: only the system knows the meaning of `..` behind a link. */
function below(folder: string, path: string): string {
  return isAbsolute(path) ? path : `${folder}/${path}`;
}

/** For a missing path: the path as given. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** A name that is not UTF-8 cannot be passed to git unchanged. */
function mustBeText(value: string, file: string): void {
  if (!value.includes('\uFFFD')) return;
  const hint = `take it away: git config --file ${shellWord(file)} --edit`;
  throw new EngineError('unsafe_path', `${file} leads to ${JSON.stringify(value)}, which is no UTF-8`, hint);
}

function ruleFor(key: string): Rule | undefined {
  return rules.find((rule) => rule.key.test(key));
}

function overruled(key: string, own: readonly Setting[]): Setting[] {
  const rule = ruleFor(key);
  if (rule === undefined) return [];
  const { isList = false, by } = rule;
  const off = typeof rule.off === 'string' ? rule.off : rule.off();
  if (by !== undefined) return [{ key: `${key.slice(0, key.lastIndexOf('.'))}.${by}`, value: off }];
  const theirs = own.filter((setting) => setting.key === key);
  if (!isList) return [{ key, value: theirs.at(-1)?.value ?? off }];
  // An empty value clears the whole list, also entries for other addresses, so all of the user's values follow it.
  const [section = ''] = key.split('.');
  const all = own.filter((setting) => setting.key.startsWith(`${section}.`) && rule.key.test(setting.key));
  return [{ key, value: off }, ...all];
}

async function readFile(
  file: string,
  how: { files: Map<string, string>; list: ListSettings; depth: number },
): Promise<Setting[]> {
  const { files, list, depth } = how;
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  files.set(file, signature(found));
  if (found === undefined) return [];
  if (!found.isFile() || found.size > maxFileBytes) throw unusable(file, found.isFile());
  if (!needsLook.test(readFileSync(file, 'latin1'))) return [];
  const settings: Setting[] = [];
  for (const setting of await list({ file })) {
    settings.push(setting);
    if (!/^include(if\..*)?\.path$/s.test(setting.key)) continue;
    // The condition of an include is ignored: git may later work in another worktree.
    if (depth === maxDepth) throw tooDeep(file);
    for (const one of await readFile(included(file, setting.value), { ...how, depth: depth + 1 })) settings.push(one);
  }
  return settings;
}

function included(by: string, path: string): string {
  mustBeText(path, by);
  if (path.startsWith('~/')) return `${process.env.HOME || homedir()}/${path.slice(2)}`;
  if (!path.startsWith('~') && !path.startsWith('%(')) return below(dirname(by), path);
  const hint = `write it out, or take it away: git config --file ${shellWord(by)} --edit`;
  throw new EngineError('unsafe_path', `${by} includes ${JSON.stringify(path)}, which stator does not look up`, hint);
}

function commonDirOf(gitDir: string): string {
  const file = `${gitDir}/commondir`;
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return gitDir;
  return realPath(below(gitDir, readPointer(file, found.size)));
}

function remember(place: string, what: Known): void {
  const [oldest] = known.keys();
  if (known.size >= maxKnown && oldest !== undefined) known.delete(oldest);
  known.set(place, what);
}

function isUnchanged({ files }: Known): boolean {
  return [...files].every(
    ([file, before]) => signature(statSync(file, { bigint: true, throwIfNoEntry: false })) === before,
  );
}

function isSettled(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined || Math.abs(Date.now() - found.ctimeMs) > settledMs;
}

function signature(found: BigIntStats | undefined): string {
  return found === undefined ? '' : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
}

function isFalse(value: string): boolean {
  return /^(false|no|off|0)$/i.test(value);
}

function unusable(file: string, isFile: boolean): EngineError {
  const what = isFile ? `has more than ${maxFileBytes} bytes` : 'is no file';
  return new EngineError(
    'unsafe_path',
    `${file} ${what}, so git is not run there`,
    `look at it: ls -lL ${shellWord(file)}`,
  );
}

function tooDeep(file: string): EngineError {
  const hint = `take the include away: git config --file ${shellWord(file)} --edit`;
  return new EngineError('unsafe_path', `${file} is included by more than ${maxDepth} files, one by the other`, hint);
}
