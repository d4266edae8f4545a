/**
 * The programs that a repo's own files may start on this machine, and the gates they weaken. They come with the repo, so from anyone who can push to it: they are
 * shown, pinned by this digest, and a change is not applied until a person trusts it. daemon.toml belongs to the user and is never part of it.
 */

import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { hidesMore, withoutSecrets } from '../platform/secrets.ts';
import { sizeText } from '../platform/size.ts';
import { textDigest } from '../platform/text-digest.ts';
import { durationText } from './duration.ts';
import { type HookConfig, trustedWords } from './hooks.ts';
import { type MemberConfig, membersOf } from './members.ts';
import { type AgentProfile, offUnlessNamed, unplayable } from './profiles.ts';
import { type AgentTable, type AgentTables, agentTableNames, confirmDefaults, type RepoFile } from './schema.ts';
import { wallWords } from './schema-words.ts';
import { printable } from './wording.ts';

/** The files that a repo's files refer to, in their state when those were read. Empty tables if there are none. */
export interface FoundBesides {
  /** The texts of `.stator/prompts/<name>.md`, by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Programs and scripts inside of the repo that the configuration names: the path from the repo's root to the SHA-256 of the content. */
  readonly programs: Readonly<Record<string, string>>;
  /** Paths of `env_file`, `copy` and `dir` that lead elsewhere than they say, through a link: as configured, to the real path. */
  readonly places: Readonly<Record<string, string>>;
  /** Env files inside of the repo, whole: as configured, to the SHA-256 of the content. */
  readonly envFiles: Readonly<Record<string, string>>;
  /** Files that the configured programs load by themselves: the path from the repo's root to the SHA-256. Absent if there are none. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Startable {
  /** The `[agents]` of the repo's own file. */
  readonly tables: AgentTables;
  /** The profile that a role ends up with, without what an embedding program overrides. */
  profileOf(role: Role): AgentProfile;
  readonly setup: string | null;
  readonly copy: readonly string[];
  /** Where worktrees are made, files and programs of the repo in them. */
  readonly dir: string;
  readonly hooks: readonly HookConfig[];
  /** The checked values of the repo's own file. */
  readonly values: RepoFile;
  readonly found: FoundBesides | null;
}

export interface TrustView {
  /** One line for people each; empty where the repo's files start nothing and weaken nothing: there is nothing to trust. */
  readonly enables: readonly string[];
  /** SHA-256 in hex; changes with everything that `enables` shows, and not with comments, order of keys, limits or times. */
  readonly digest: string;
}

export function trustView(startable: Startable): TrustView {
  const { tables, setup, copy, hooks, dir, values, found } = startable;
  const gates = gatesOf(values);
  const landingCheck = values.landing?.check ?? null;
  const members = membersOf(values.members ?? {});
  const names = [...new Set([...agentTableNames, ...Object.keys(tables)])];
  const weakens = [
    ...names.flatMap((name) => offLine(startable, name)),
    ...Object.entries(gates).map(([key, value]) => `${key} = ${asWritten(key, value)}: ${gateWords[key] ?? ''}`),
  ].map(printable);
  const enables = [
    ...names.flatMap((name) => agentLine(startable, name)),
    ...(setup === null ? [] : [`setup in every new worktree: ${setup}`]),
    ...(landingCheck === null ? [] : [`check of what lands: ${landingCheck}`]),
    ...members.map(memberLine),
    ...(copy.length === 0 ? [] : [`copied into every new worktree: ${copy.join(', ')}`]),
    ...(isAbsolute(dir) ? [`worktrees outside of the repo, in ${dir}`] : []),
    ...hooks.map(hookLine),
    ...(found === null ? [] : foundLines(found)),
  ].map(shownWhole);
  const agents = names.map((name) => [name, starting(tables, name)]);
  const place = isAbsolute(dir) ? { dir } : {};
  const more = {
    gates,
    ...(landingCheck === null ? {} : { landing: { check: landingCheck } }),
    ...(members.length === 0 ? {} : { members }),
    ...found,
  };
  const added = Object.entries(more).filter(([, part]) => Object.keys(part).length > 0);
  const lines = [...enables, ...weakens];
  const acting = hooks.map(({ timeoutMs: _timeout, ...hook }) => hook);
  const pinned =
    lines.length === 0 ? null : { agents, setup, copy, hooks: acting, ...place, ...Object.fromEntries(added) };
  return { enables: lines, digest: textDigest(canonical(pinned)) };
}

/** A password is left out; if that would hide something that acts, a person could not know what they agree to. Throws `bad_config`. */
function shownWhole(line: string): string {
  if (!hidesMore(line)) return printable(withoutSecrets(line));
  throw new EngineError(
    'bad_config',
    `${line.slice(0, line.indexOf(':'))}: the part of an address that would be a user, a password or a token could start something, or is the real host`,
    'passwords are not shown, so nobody could know what to agree to: name a variable such as $TOKEN there, and set it by env_file',
  );
}

/** A larger file is compiled, or no program at all; it is known by its size and its age. */
const contentLimitBytes = 16 * 1024 * 1024;
/** The most bytes of a repository's files that are read for digests while others wait: many names may lead to one large file. */
export const digestedLimitBytes = 256 * 1024 * 1024;

/** The bytes of a file of that size that are read for its digest. */
export function digestedBytes(sizeBytes: number): number {
  return sizeBytes > contentLimitBytes ? 0 : sizeBytes;
}

/** The digest by which a file is trusted. Throws the system's errors. */
export function fileDigest(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return size > contentLimitBytes ? textDigest(`${size} ${mtimeMs}`) : textDigest(readFileSync(file));
}

/** The meaning of each key that weakens a gate. */
const gateWords: Readonly<Record<string, string>> = {
  auto_advance: 'implementing starts when the planner has finished',
  auto_advance_waves: 'the next wave starts by itself',
  auto_review_fix: 'whether a fixer starts by itself when a review asks for changes',
  auto_readiness_review: 'no verifier looks at what the review approved',
  auto_create_pr: 'a done plan is pushed, and a pull request is made',
  auto_merge: 'a done plan is merged into the base branch',
  'landing.auto': 'a done plan gets in line, and is merged into the base branch',
  'landing.by': 'the forge merges what lands, by its pull request',
  'landing.review_again': 'what lands is not reviewed again, even if bringing it up to date changed it',
  'notes.take': 'what an agent proposes as a note is given to the next agents without a person',
  'pull_requests.merge': 'its pull request is merged without a person as soon as it is approved and green',
  'pull_requests.stack': 'each part of a plan is pushed as soon as it is done, before the plan is reviewed',
  max_review_fix_cycles: 'rounds of fixing before a person is asked; 0: no limit',
  readiness_self_fix_max_lines: 'lines that the verifier may correct itself',
  budget: 'how much its agents may take before a person is asked',
  require_change: 'a coder that changed nothing has done its task',
  confirm_deletions: "work that deletes most of the repo's files counts without a person's yes",
  confirm_secrets: "work that adds keys or tokens counts without a person's yes",
  confirm_file_size: 'work that adds files up to this size counts without a person\'s yes ("": of any size)',
  confirm_new_files: 'work that adds so many files in one folder counts without a person\'s yes ("": any number)',
  isolation: 'all tasks of a plan share one worktree',
  base_branch: 'where plans start and are merged',
};

/** The gates that the repo's own file weakens. The strictest value weakens none. */
function gatesOf(values: RepoFile): Readonly<Record<string, unknown>> {
  const strict: Readonly<Record<string, unknown>> = {
    auto_advance: false,
    auto_advance_waves: false,
    auto_readiness_review: true,
    auto_create_pr: false,
    auto_merge: false,
    'landing.auto': false,
    'notes.take': 'person',
    'landing.by': 'git',
    'pull_requests.merge': 'manual',
    'pull_requests.stack': 'none',
    require_change: true,
    confirm_deletions: true,
    confirm_secrets: true,
    confirm_file_size: confirmDefaults.fileBytes,
    confirm_new_files: confirmDefaults.newFiles,
    isolation: 'task',
    base_branch: '',
  };
  const all = {
    ...values,
    'landing.auto': values.landing?.auto,
    'landing.by': values.landing?.by,
    // A table without a key limits nothing anew.
    budget: Object.keys(values.budget ?? {}).length === 0 ? undefined : values.budget,
    // "always" is stricter than without it.
    'landing.review_again': values.landing?.review_again === 'never' ? 'never' : undefined,
    'notes.take': values.notes?.take,
    'pull_requests.merge': values.pull_requests?.merge,
    'pull_requests.stack': values.pull_requests?.stack,
  };
  const set = Object.entries(all).filter(
    ([key, value]) => Object.hasOwn(gateWords, key) && value !== undefined && value !== strict[key],
  );
  return Object.fromEntries(set);
}

/** The keys of a table that decide what is started; limits and times do not. null: the table decides nothing. */
function starting(tables: AgentTables, name: string): Partial<AgentTable> | null {
  const table = tables[name];
  if (table === undefined) return null;
  const { timeout: _timeout, idle_timeout: _idle, attempts: _attempts, ...rest } = table;
  return Object.keys(rest).length > 0 || (isRole(name) && offUnlessNamed.has(name)) ? rest : null;
}

/** A table that turns its role off, or every role. */
function offLine({ tables, profileOf }: Startable, name: string): string[] {
  const table = starting(tables, name);
  if (table === null) return [];
  if (name === 'default')
    return table.enabled === false ? ['agents: off, but for those with a table of their own'] : [];
  return !isRole(name) || profileOf(name).enabled ? [] : [`agent ${name}: off`];
}

function agentLine({ tables, profileOf }: Startable, name: string): string[] {
  const table = starting(tables, name);
  if (table === null) return [];
  const own = { ...table, preset: table.preset ?? null, envFile: table.env_file };
  if (name === 'default') {
    const isOffOnly = table.enabled === false && Object.keys(table).length === 1;
    return isOffOnly ? [] : [`agents: ${words(own, table)}`];
  }
  if (name === 'check') return [`checks: ${words(own, table)}`];
  if (!isRole(name)) return [`agent ${name}, which replaces others: ${words(own, table)}`];
  const profile = profileOf(name);
  if (!profile.enabled) return [];
  const why = unplayable(profile);
  if (why !== null) return [`agent ${name}: off, since ${why}`];
  return [`agent ${name}: ${words(profile, table)}`];
}

function isRole(name: string): name is Role {
  return (roles as readonly string[]).includes(name);
}

type SharedWord = 'program' | 'flags' | 'model' | 'sandbox' | 'writable' | 'readable' | 'env';

/** What a table and a profile say alike. */
type Words = { readonly [Word in SharedWord]?: AgentProfile[Word] | undefined } & {
  readonly preset: string | null;
  readonly envFile: string | null | undefined;
};

/** Keys with texts of their own. */
const listedKeys: ReadonlySet<string> = new Set([
  'enabled',
  'preset',
  'program',
  'flags',
  'model',
  'env_file',
  'sandbox',
  'writable',
  'readable',
  'env',
  'memory',
  'processes',
  'disk',
]);

/** `table`: the table in the repo's own file; its other keys are shown as they are written there. */
function words(given: Words, table: AgentTable): string {
  const { preset, program, flags, model, envFile, sandbox, writable, readable, env = [] } = given;
  const command = [preset, program, ...(flags ?? [])].filter((word) => word !== null && word !== undefined);
  const parts = [
    ...(command.length === 0 ? [] : [command.join(' ')]),
    ...(model ? [`model ${model}`] : []),
    ...(envFile ? [`environment from ${envFile}`] : []),
    ...(env.length === 0 ? [] : [`given ${env.join(' ')}`]),
    ...wallWords({ sandbox, writable, readable }),
    ...limitWords(table),
    ...Object.entries(table)
      .filter(([key, value]) => !listedKeys.has(key) && value !== undefined)
      .map(([key, value]) => `${key} = ${asWritten(key, value)}`),
  ];
  return parts.length === 0 ? 'on' : parts.join(', ');
}

/** A checked value as it is written in the file: the only duration that decides what is started is that of a permission. */
function asWritten(key: string, value: unknown): string {
  const text =
    typeof value !== 'number'
      ? value
      : key === 'permission_timeout'
        ? durationText(value)
        : key === 'reserve'
          ? `${Math.round(value * 100)}%`
          : key === 'confirm_file_size'
            ? sizeText(value)
            : value;
  return JSON.stringify(text, (_key, part: unknown) => part ?? '');
}

/** A repo may ask for more than daemon.toml would allow: so its own values are shown. */
function limitWords({ memory, processes, disk }: AgentTable): string[] {
  return [
    ...limitWord('memory', memory, sizeText),
    ...limitWord('processes', processes, String),
    ...limitWord('disk', disk, sizeText),
  ];
}

function limitWord(of: string, limit: number | 'auto' | null | undefined, text: (limit: number) => string): string[] {
  if (limit === undefined) return [];
  if (limit === null) return [`no limit of ${of}`];
  return [limit === 'auto' ? `${of} as the machine has it` : `${of} up to ${text(limit)}`];
}

function memberLine({ folder, repo, branch }: MemberConfig): string {
  return `what lands moves ${branch === null ? 'the base branch' : branch} of the repo ${repo}, whose files are in ${folder}/`;
}

function hookLine(hook: HookConfig): string {
  const events = hook.events.length === 0 ? 'every event' : hook.events.join(', ');
  const off = hook.enabled ? '' : ' (off)';
  return `hook ${hook.name} on ${events}${off}: ${trustedWords(hook)}`;
}

function foundLines({ prompts, programs, places, envFiles = {}, settings = {} }: FoundBesides): string[] {
  const lines = (text: string) => {
    const count = text.replace(/\n$/, '').split('\n').length;
    return count === 1 ? '1 line' : `${count} lines`;
  };
  const short = (digest: string) => `sha256 ${digest.slice(0, 12)}`;
  return [
    ...Object.entries(prompts).map(
      ([name, text]) => `prompt ${name}: .stator/prompts/${name}.md, ${lines(text)} (${short(textDigest(text))})`,
    ),
    ...Object.entries(programs).map(([path, digest]) => `program of the repo: ${path} (${short(digest)})`),
    ...Object.entries(places).map(([named, real]) => `${named} leads to ${real}`),
    ...Object.entries(envFiles).map(([file, digest]) => `environment file of the repo: ${file} (${short(digest)})`),
    ...settingLines(settings),
  ];
}

/** The names of files on one line, with the number of all of them. */
const shownSettings = 8;

/** One line for each file or folder at the root. */
function settingLines(settings: Readonly<Record<string, string>>): string[] {
  const roots = new Map<string, [path: string, digest: string][]>();
  for (const [path, digest] of Object.entries(settings)) {
    const root = path.split('/')[0] ?? path;
    roots.set(root, [...(roots.get(root) ?? []), [path, digest]]);
  }
  return [...roots.values()].map((files) => {
    const names = files.map(([path]) => path);
    const digest = textDigest(files.map((file) => file.join(' ')).join('\n')).slice(0, 12);
    return `settings that agents' programs load: ${shortList(names, shownSettings)} (sha256 ${digest})`;
  });
}

/** JSON with sorted keys, so that the order in the file does not count. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
