/**
 * What a repo's own files may start on this machine. They come with the repo, so from anyone who can push to it: they are shown, pinned by this digest,
 * and a change is not applied until a person trusts it. What daemon.toml says is the user's own and never part of it.
 */
import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { withoutSecrets } from '../platform/secrets.ts';
import type { HookConfig } from './hooks.ts';
import { type AgentProfile, canPlay } from './profiles.ts';
import { type AgentTable, type AgentTableName, type AgentTables, agentTableNames, type SandboxMode } from './schema.ts';
import { printable } from './wording.ts';

export interface Startable {
  /** The `[agents]` of the repo's own file. */
  readonly tables: AgentTables;
  /** A table's name to the profile that it ends up as, without what an embedding program overrides; `default` has none. */
  profileOf(name: Exclude<AgentTableName, 'default'>): AgentProfile;
  readonly setup: string | null;
  readonly copy: readonly string[];
  /** Where worktrees are made, files and programs of the repo in them. */
  readonly dir: string;
  readonly hooks: readonly HookConfig[];
}

export interface TrustView {
  /** One line for people each; empty where the repo's files start nothing and there is nothing to trust. */
  readonly enables: readonly string[];
  /** SHA-256 in hex; changes with whatever `enables` is made of, and not with comments, order of keys, limits or times. */
  readonly digest: string;
}

export function trustView(startable: Startable): TrustView {
  const enables = [
    ...agentTableNames.flatMap((name) => agentLine(startable, name)),
    ...(startable.setup === null ? [] : [`setup in every new worktree: ${startable.setup}`]),
    ...(startable.copy.length === 0 ? [] : [`copied into every new worktree: ${startable.copy.join(', ')}`]),
    ...(isAbsolute(startable.dir) ? [`worktrees outside of the repo, in ${startable.dir}`] : []),
    ...startable.hooks.map(hookLine),
  ].map((line) => printable(withoutSecrets(line)));
  const { setup, copy, hooks } = startable;
  const place = isAbsolute(startable.dir) ? { dir: startable.dir } : {};
  const agents = agentTableNames.map((name) => [name, starting(startable.tables, name)]);
  const pinned = enables.length === 0 ? null : { agents, setup, copy, hooks, ...place };
  return { enables, digest: createHash('sha256').update(canonical(pinned)).digest('hex') };
}

/** Naming these roles turns them on. */
const onWhenNamed: ReadonlySet<AgentTableName> = new Set(['architect', 'verifier']);

/** The keys of a table that decide what is started; limits and times do not. null: the table decides nothing. */
function starting(tables: AgentTables, name: AgentTableName): Partial<AgentTable> | null {
  const table = tables[name];
  if (table === undefined) return null;
  const { timeout: _timeout, idle_timeout: _idle, attempts: _attempts, ...rest } = table;
  return Object.keys(rest).length > 0 || onWhenNamed.has(name) ? rest : null;
}

function agentLine({ tables, profileOf }: Startable, name: AgentTableName): string[] {
  const table = starting(tables, name);
  if (table === null) return [];
  if (name === 'default') {
    const { enabled, preset, env_file: envFile, ...rest } = table;
    const isOffOnly = enabled === false && Object.keys(table).length === 1;
    return isOffOnly ? [] : [`agents: ${words(preset ?? null, { ...rest, envFile })}`];
  }
  const profile = profileOf(name);
  if (!profile.enabled || !canPlay(profile)) return [];
  return [`agent ${name}: ${words(profile.preset, profile)}`];
}

interface Words {
  readonly program?: string | null | undefined;
  readonly flags?: readonly string[] | undefined;
  readonly model?: string | null | undefined;
  readonly envFile?: string | null | undefined;
  readonly sandbox?: SandboxMode | undefined;
  readonly writable?: readonly string[] | undefined;
  readonly readable?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
}

function words(preset: string | null, given: Words): string {
  const { program, flags, model, envFile, sandbox, writable = [], readable = [], env = [] } = given;
  const command = [preset, program, ...(flags ?? [])].filter((word) => word !== null && word !== undefined);
  const parts = [
    ...(command.length === 0 ? [] : [command.join(' ')]),
    ...(model ? [`model ${model}`] : []),
    ...(envFile ? [`environment from ${envFile}`] : []),
    ...(env.length === 0 ? [] : [`given ${env.join(' ')}`]),
    ...(sandbox === 'off' ? ['without walls'] : []),
    ...(writable.length === 0 ? [] : [`may write ${writable.join(' ')}`]),
    ...(readable.length === 0 ? [] : [`may read ${readable.join(' ')}`]),
  ];
  return parts.length === 0 ? 'on' : parts.join(', ');
}

function hookLine(hook: HookConfig): string {
  const events = hook.events.length === 0 ? 'every event' : hook.events.join(', ');
  switch (hook.type) {
    case 'webhook':
      return `hook ${hook.name} on ${events}: POST ${hook.url}${hook.allowPrivate ? ' (private addresses allowed)' : ''}`;
    case 'command':
      return `hook ${hook.name} on ${events}: ${hook.command}`;
    case 'notify':
      return `hook ${hook.name} on ${events}: a notification on the desktop`;
  }
}

/** JSON with sorted keys, so that the order in the file does not count. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
