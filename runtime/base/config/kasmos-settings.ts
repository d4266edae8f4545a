/** kasmos's configuration as ours: the settings of a `daemon.toml` and a `.kasmos/config.toml` that stator has too, and those without a counterpart, each with its line. */

import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import { plannerDraftsLimit } from '../../../machines/vocabulary/policy.ts';
import { parseToml } from './document.ts';
import { kasmosDaemonKeys } from './kasmos-daemon.ts';
import { isStreamPreset } from './preset-programs.ts';
import { placesOf } from './toml-place.ts';

export interface KasmosSettings {
  /** The settings for our file of that name. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Absolute paths, as they are written. */
  readonly repos: readonly string[];
  /** Settings without a counterpart: the file, the line, the key, and why. */
  readonly notes: readonly string[];
}

type Table = Readonly<Record<string, unknown>>;

/** Keys with the same meaning in both programs. */
const shared = [
  'auto_advance',
  'auto_advance_waves',
  'auto_review_fix',
  'auto_readiness_review',
  'auto_create_pr',
  'max_review_fix_cycles',
  'readiness_self_fix_max_lines',
] as const;

const own = 'it is about the programs of kasmos';
/** Why a key has no counterpart. */
const without: Readonly<Record<string, string>> = {
  ...kasmosDaemonKeys,
  socket_path: 'the socket of stator has a place of its own',
  auto_yes: 'permissions of [agents.<role>] says what an agent may do unasked',
  daemon_poll_interval: kasmosDaemonKeys.poll_interval_sec ?? '',
  branch_prefix: 'a plan has the branch plan/<plan>, or the one of --branch',
  notifications_enabled: '[notifications] of daemon.toml says who is notified',
  claude_no_flicker: own,
  theme: own,
  sdk: own,
  database_url: 'the store is a file of this machine',
  resources: 'nice, memory and processes of [agents.<role>] limit an agent',
  linear: 'trackers are not watched',
};

/** For each role of ours: the phase of kasmos in which it works, and the name of its profile there. */
const parts: Readonly<
  Record<Exclude<Role, 'session'>, { readonly phases: readonly string[]; readonly profile: string }>
> = {
  planner: { phases: ['planning'], profile: 'planner' },
  architect: { phases: ['elaborating'], profile: 'elaborator' },
  coder: { phases: ['implementing'], profile: 'coder' },
  reviewer: { phases: ['quality_review'], profile: 'reviewer' },
  fixer: { phases: ['fixer'], profile: 'fixer' },
  verifier: { phases: ['readiness_review', 'master_review'], profile: 'master' },
};

/** The settings of `~/.config/kasmos/daemon.toml`. Throws `bad_config` with line and column where it is no TOML. */
export function kasmosDaemonSettings(file: string, text: string): KasmosSettings {
  const raw = parseToml(file, text);
  const { repos } = raw;
  const paths = Array.isArray(repos) ? repos.filter((path) => typeof path === 'string') : [];
  const notes = notesOf({ file, text, raw, known: new Set<string>(['repos', ...shared]) });
  return { settings: sharedOf(raw), repos: paths, notes };
}

/** The settings of a repo's `.kasmos/config.toml`; its hooks are used from where they are. Throws `bad_config` with line and column where it is no TOML. */
export function kasmosRepoSettings(file: string, text: string): KasmosSettings {
  const raw = parseToml(file, text);
  const { default_program: program, orchestration, phases, agents } = raw;
  const known = new Set<string>(['default_program', 'orchestration', 'phases', 'agents', 'hooks', ...shared]);
  const notes = notesOf({ file, text, raw, known });
  const note = (path: readonly string[], why: string) => void notes.push(noteOf({ file, text }, path, why));
  const threshold = isTable(orchestration) ? orchestration.blueprint_skip_threshold : undefined;
  const planners = isTable(orchestration) && Array.isArray(orchestration.planners) ? orchestration.planners.length : 0;
  const drafts = Math.min(planners, plannerDraftsLimit);
  for (const key of Object.keys(isTable(orchestration) ? orchestration : {}))
    if (key === 'planners' && drafts > 1)
      note(
        ['orchestration', key],
        `so many planners write a draft each (planner_drafts = ${drafts}), all with the profile of the planner`,
      );
    else if (key !== 'blueprint_skip_threshold') note(['orchestration', key], 'it has no equal');
  const tables: Record<string, Table> = typeof program === 'string' ? { default: programOf(program) } : {};
  const used = new Set<string>();
  for (const role of roles) {
    if (role === 'session') continue;
    const { phases: names, profile: usual } = parts[role];
    const named = names
      .map((name) => (isTable(phases) ? phases[name] : undefined))
      .find((name) => typeof name === 'string');
    const name = typeof named === 'string' ? named : usual;
    const profile = isTable(agents)
      ? (agents[name] ?? (name === 'elaborator' ? agents.architect : undefined))
      : undefined;
    if (!isTable(profile)) continue;
    used.add(name);
    if (profile.enabled !== true)
      note(['agents', name], 'it is not enabled there, and so runs the default program; it is left out here');
    else tables[role] = profileOf(profile, (key, why) => note(['agents', name, key], why));
  }
  for (const name of Object.keys(isTable(agents) ? agents : {}))
    if (!used.has(name) && name !== 'architect') note(['agents', name], 'no role of stator uses it');
  return {
    settings: {
      ...sharedOf(raw),
      ...(typeof threshold === 'number' ? { blueprint_skip_threshold: threshold } : {}),
      ...(drafts > 1 ? { planner_drafts: drafts } : {}),
      ...(Object.keys(tables).length === 0 ? {} : { agents: tables }),
    },
    repos: [],
    notes,
  };
}

function profileOf(profile: Table, note: (key: string, why: string) => void): Table {
  const { enabled, program, flags, model, permission_default: permission, ...rest } = profile;
  for (const key of Object.keys(rest))
    note(key, 'a profile of stator has no such key; flags may say it to the program');
  const texts = Array.isArray(flags) ? flags.filter((flag) => typeof flag === 'string' && flag !== '') : [];
  return {
    enabled: enabled === true,
    ...(typeof program === 'string' && program !== '' ? programOf(program) : {}),
    ...(typeof model === 'string' && model !== '' ? { model } : {}),
    ...(texts.length > 0 ? { flags: texts } : {}),
    ...(permission === 'prompt' ? { permissions: 'ask' } : permission === 'bypass' ? { permissions: 'skip' } : {}),
  };
}

/** A program that stator knows by its name, or a user-defined command. */
function programOf(program: string): Table {
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (!isStreamPreset(name)) return { preset: 'command', program };
  return name === program ? { preset: name } : { preset: name, program };
}

function sharedOf(raw: Table): Table {
  return Object.fromEntries(shared.flatMap((key) => (raw[key] === undefined ? [] : [[key, raw[key]]])));
}

interface Looked {
  readonly file: string;
  readonly text: string;
}

function notesOf({ raw, known, ...looked }: Looked & { raw: Table; known: ReadonlySet<string> }): string[] {
  return Object.keys(raw)
    .filter((key) => !known.has(key))
    .map((key) => noteOf(looked, [key], without[key] ?? 'stator has no such key'));
}

function noteOf({ file, text }: Looked, path: readonly string[], why: string): string {
  return `${file}, line ${placesOf(text).line(path)}: ${path.join('.')}: ${why}`;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
