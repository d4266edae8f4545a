/** The git settings of a run's own repository: those that a build and a commit need. No helper, key or password, and no path of a user's file. */
import { inWorktree, type OpenWorktree } from './worktree-list.ts';

/** The last value of each setting, by name; `all` has every value of the settings with several. */
export interface Settings {
  get(name: string): string | undefined;
  has(name: string): boolean;
  /** The last value that the user has set for all repositories, in the system's file or their own. */
  ofUser(name: string): string | undefined;
  readonly all: readonly (readonly [name: string, value: string])[];
}

const limits = { count: 2_000, bytes: 64 * 1024 };

/** Section and key are lower case, as git lists them; the part in between is free text. */
const wanted = [
  /^core\.(?:filemode|symlinks|ignorecase|precomposeunicode|autocrlf|eol|safecrlf|checkstat|trustctime|longpaths|sparsecheckout|sparsecheckoutcone|quotepath|abbrev|commentchar|bigfilethreshold)$/,
  /^extensions\.(?:objectformat|partialclone)$/,
  /^(?:user|author|committer)\.(?:name|email)$/,
  /^(?:filter|merge)\..+\.[a-z]+$/s,
  /^diff\..+\.(?:xfuncname|funcname|wordregex|textconv|binary|algorithm)$/s,
  /^(?:diff\.(?:algorithm|renames)|merge\.(?:conflictstyle|renames)|pull\.(?:rebase|ff)|push\.default|rebase\.autosquash|init\.defaultbranch)$/,
  /^remote\..+\.(?:url|pushurl|fetch|tagopt|promisor|partialclonefilter)$/s,
  /^submodule\..+\.(?:url|active|branch|update|ignore|shallow)$/s,
  /^url\..+\.(?:insteadof|pushinsteadof)$/s,
];
/** Settings that stator always sets. */
const own = {
  'core.protecthfs': 'true',
  'core.protectntfs': 'true',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'commit.gpgsign': 'false',
  'tag.gpgsign': 'false',
};

/** All git settings of a worktree, including the user's own. */
export async function settingsOf(worktree: OpenWorktree): Promise<Settings> {
  const fields = (await inWorktree(worktree, ['config', '--list', '--show-scope', '-z'])).split('\0');
  const all: [string, string][] = [];
  const ofUser = new Map<string, string>();
  for (let field = 0; field + 1 < fields.length; field += 2) {
    // stator's settings for this git process are not the user's.
    if (fields[field] === 'command') continue;
    const [name = '', ...lines] = (fields[field + 1] ?? '').split('\n');
    const value = lines.length === 0 ? 'true' : lines.join('\n');
    all.push([name, value]);
    if (fields[field] === 'system' || fields[field] === 'global') ofUser.set(name, value);
  }
  const last = new Map(all);
  return {
    get: (name) => last.get(name),
    has: (name) => last.has(name),
    ofUser: (name) => ofUser.get(name),
    all,
  };
}

/** The text of the configuration file. If the repository does not set the author, the environment inside the walls does. */
export function privateSettings(settings: Settings, branch: string): string {
  const kept = settings.all.filter(([name, value]) => isWanted(name, value, branch)).slice(-limits.count);
  const isNewFormat = settings.has('extensions.objectformat') || settings.has('extensions.partialclone');
  const lines = [
    ...sectionOf('core.repositoryformatversion', isNewFormat ? '1' : '0'),
    ...sectionOf('core.bare', 'false'),
    ...sectionOf('core.logallrefupdates', 'true'),
    ...sectionOf('user.useconfigonly', 'true'),
    ...kept.flatMap(([name, value]) => sectionOf(withoutPassword(name), withoutPassword(value))),
    ...Object.entries(own).flatMap(([name, value]) => sectionOf(name, value)),
  ];
  return `${lines.join('\n')}\n`;
}

function isWanted(name: string, value: string, branch: string): boolean {
  if (name.length + value.length > limits.bytes || /[\0\n]/.test(name)) return false;
  if (name === 'core.hookspath') return !value.startsWith('/') && !value.startsWith('~');
  if (name.startsWith(`branch.${branch}.`)) return /\.(?:remote|merge|rebase)$/.test(name);
  return wanted.some((pattern) => pattern.test(name));
}

/** Over HTTP, even a user name alone may be a token; over ssh it is the account. */
export function withoutPassword(text: string): string {
  return text
    .replace(/\b(https?|ftps?):\/\/[^/\s]*@/gi, '$1://')
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^/\s:@]*):[^/\s]*@/gi, '$1@');
}

function sectionOf(name: string, value: string): string[] {
  const first = name.indexOf('.');
  const last = name.lastIndexOf('.');
  const section = name.slice(0, first);
  const between = first === last ? '' : ` "${name.slice(first + 1, last).replace(/["\\]/g, '\\$&')}"`;
  const escaped = value.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t');
  return [`[${section}${between}]`, `\t${name.slice(last + 1)} = "${escaped}"`];
}
