/** The environment that git gets: settings that hold for every command of the engine's own, and of the user's variables those that git needs. */

import type { Setting } from './local-settings.ts';
import { gitLocalVariables } from './local-variables.ts';

/** What must hold for a command that nobody watches: no hook, no signature, no network, no background process, no guessed identity, no look into submodules. */
const unattended: readonly Setting[] = Object.entries({
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.safecrlf': 'false',
  // Names that another system takes for .git are refused here too, where a branch may come from.
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
  'fetch.recurseSubmodules': 'false',
  'protocol.allow': 'never',
}).map(([key, value]) => ({ key, value }));

/** Git runs no editor, pager or prompt, and a mere look at the user's checkout does not rewrite its index. */
const quiet = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_EDITOR: 'true',
  GIT_SEQUENCE_EDITOR: 'true',
  GIT_PAGER: 'cat',
  GIT_OPTIONAL_LOCKS: '0',
  // An agent without walls can replace a commit by another, and every git after it would read that one.
  GIT_NO_REPLACE_OBJECTS: '1',
};

/** Where it is, whose it is, how it speaks, and how a filter of the user's own (Git LFS) reaches its server. */
const needed =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TZ|TMPDIR|LANG|LANGUAGE|LC_\w+|XDG_\w+|EMAIL|LD_LIBRARY_PATH|SSH_AUTH_SOCK|SSH_AGENT_PID|DBUS_SESSION_BUS_ADDRESS|SSL_CERT_\w+|(https?|ftp|all|no)_proxy|GIT_\w+)$/i;
/** They name programs, carry settings or secrets, or say which transports may be used. */
const unneeded =
  /^GIT_(ASKPASS|EXTERNAL_DIFF|PROXY_COMMAND|ALLOW_PROTOCOL|PROTOCOL_FROM_USER|CONFIG_(KEY|VALUE)_\d+|\w*(TOKEN|PASSWORD|SECRET)\w*)$/i;

/**
 * For the engine's own commands. `protocols` are the transports that may be used; by default none, so nothing is fetched because it is missing.
 * `overrides` are added to the settings.
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
    // Goes before `protocol.*.allow` of any configuration. An empty one would be taken for none.
    GIT_ALLOW_PROTOCOL: protocols.length === 0 ? 'none' : protocols.join(':'),
    GIT_NO_LAZY_FETCH: '1',
    ...settingVariables([...unattended, ...overrides]),
    ...extra,
  };
}

/** For a command that a person asked for and that reaches a remote: all that they have set, over the transports that are known. */
export function personEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    ...inherited(() => true),
    ...quiet,
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:git:file',
    GIT_NO_LAZY_FETCH: '1',
    ...extra,
  };
}

function inherited(isTaken: (name: string) => boolean): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !gitLocalVariables.has(name) && isTaken(name)) env[name] = value;
  return env;
}

/** As `-c` on the command line, and git hands them on to the gits that it starts. */
function settingVariables(settings: readonly Setting[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [index, { key, value }] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}
