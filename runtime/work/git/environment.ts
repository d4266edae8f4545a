/** The environment of git: the settings for all of the engine's own commands, and the user's variables that git needs. */

import { delimiter, isAbsolute } from 'node:path';
import type { Setting } from './local-settings.ts';
import { gitLocalVariables } from './local-variables.ts';

/**
 * The settings for a command without a person watching: no hook, no signature, no network, no background process, no guessed identity, no look into
 * submodules.
 */
const unattended: readonly Setting[] = Object.entries({
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.safecrlf': 'false',
  // File names that another system reads as .git are refused here too, because a branch may contain them.
  'core.protectHFS': 'true',
  'core.protectNTFS': 'true',
  'core.filesRefLockTimeout': '5000',
  'core.packedRefsTimeout': '5000',
  'commit.gpgSign': 'false',
  'tag.gpgSign': 'false',
  'log.showSignature': 'false',
  'merge.verifySignatures': 'false',
  'user.useConfigOnly': 'true',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'safe.bareRepository': 'explicit',
  'submodule.recurse': 'false',
  // The form of a difference that the page reads.
  'diff.noprefix': 'false',
  'diff.submodule': 'short',
  'fetch.recurseSubmodules': 'false',
  'protocol.allow': 'never',
}).map(([key, value]) => ({ key, value }));

/** Git runs no editor, pager or prompt, and reading the user's checkout does not rewrite its index. */
const quiet = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_EDITOR: 'true',
  GIT_SEQUENCE_EDITOR: 'true',
  GIT_PAGER: 'cat',
  GIT_OPTIONAL_LOCKS: '0',
  // An agent without walls can replace a commit by another one, and every later git would read the replacement.
  GIT_NO_REPLACE_OBJECTS: '1',
};

/** Variables for paths, user, language, and for the user's filters (Git LFS) to reach their servers. */
const needed =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TZ|TMPDIR|LANG|LANGUAGE|LC_\w+|XDG_\w+|EMAIL|LD_LIBRARY_PATH|SSH_AUTH_SOCK|SSH_AGENT_PID|DBUS_SESSION_BUS_ADDRESS|SSL_CERT_\w+|(https?|ftp|all|no)_proxy|GIT_\w+)$/i;
/** Variables that name programs, carry settings or secrets, or allow transports. */
const unneeded =
  /^GIT_(ASKPASS|EXTERNAL_DIFF|PROXY_COMMAND|ALLOW_PROTOCOL|PROTOCOL_FROM_USER|CONFIG_(KEY|VALUE)_\d+|\w*(TOKEN|PASSWORD|SECRET)\w*)$/i;

/**
 * For the engine's own commands. `protocols` are the transports that may be used; by default none, so missing objects are never fetched. `overrides` are
 * added to the settings.
 */
export function gitEnvironment(
  extra: Readonly<Record<string, string>> = {},
  options: { readonly protocols?: readonly string[]; readonly overrides?: readonly Setting[] } = {},
): Record<string, string> {
  const { protocols = [], overrides = [] } = options;
  return {
    ...inherited((name) => needed.test(name) && !unneeded.test(name)),
    ...quiet,
    GIT_ASKPASS: '',
    GIT_PROXY_COMMAND: '',
    // This overrides `protocol.*.allow` of every configuration. Git would ignore an empty value.
    GIT_ALLOW_PROTOCOL: protocols.length === 0 ? 'none' : protocols.join(':'),
    GIT_NO_LAZY_FETCH: '1',
    ...settingVariables([...unattended, ...overrides]),
    ...extra,
  };
}

/** For a person's command that reaches a remote: all of their settings, limited to known transports. */
export function personEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    ...inherited(() => true),
    ...quiet,
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:git:file',
    GIT_NO_LAZY_FETCH: '1',
    ...extra,
  };
}

const searched: ReadonlySet<string> = new Set(['PATH', 'LD_LIBRARY_PATH']);

function inherited(isTaken: (name: string) => boolean): Record<string, string> {
  const env: Record<string, string> = {};
  // Reading a value costs a system call, and most of the variables are not needed.
  for (const name of Object.keys(process.env)) {
    if (gitLocalVariables.has(name) || !isTaken(name)) continue;
    const value = process.env[name];
    if (value === undefined) continue;
    // git runs in worktrees: an agent could put a git, or a library of it, into a folder with a relative or empty name.
    const kept = searched.has(name) ? value.split(/[:;]/).filter(isAbsolute).join(delimiter) : value;
    if (kept !== '' || value === '') env[name] = kept;
  }
  return env;
}

/** Like `-c` on the command line; git passes them on to the gits that it starts. */
function settingVariables(settings: readonly Setting[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [index, { key, value }] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}
