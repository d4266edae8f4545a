/** The texts about missing trust in a repository, and about the ways to give it. */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { RepoConfig } from '../../base/config/config.ts';
import type { RepoRow } from '../../core/store/rows.ts';

/** The ways in which a repo is trusted. */
export const trustWays = [
  'run',
  'plan register',
  'repo add',
  'repo trust',
  'daemon add',
  'daemon.toml',
  'init',
  'api',
  'program',
] as const;
export type TrustWay = (typeof trustWays)[number];

/** For a new repo, or one whose trust was revoked. */
export function untrusted(about: {
  readonly project: string;
  readonly config: RepoConfig;
  readonly agents: readonly string[];
  readonly way: TrustWay;
  readonly isRevoked: boolean;
}): EngineError {
  const { project, config, agents, way, isRevoked } = about;
  const lines = [...config.enables, ...agents, ...(way === 'run' || way === 'plan register' ? [checks] : [])];
  const what = isRevoked ? `the trust in ${project} was revoked;` : `${project} is not trusted yet;`;
  return new EngineError(
    'untrusted',
    `${what} its files start, or turn off:\n${lines.map((line) => `  ${line}`).join('\n')}\n  digest ${config.digest}`,
    `read the list, then confirm: repeat the command with --trust, or in a script with --trust=${config.digest}`,
  );
}

/** A plan's document starts these, whatever is configured. */
const checks =
  "checks: the **Check:** commands of the repo's plans; like setup they run the branch's files, which may be what an agent wrote";

export function otherDigest(about: {
  readonly project: string;
  readonly given: string;
  readonly config: RepoConfig;
}): EngineError {
  const { project, given, config } = about;
  const lines = nothingOwn(config.enables).map((line) => `  ${line}`);
  return new EngineError(
    'untrusted',
    `${project} is not what you trust: its digest is ${config.digest}, and not ${given}; its files start, or turn off:\n${lines.join('\n')}`,
    `read the list, then confirm this state: --trust=${config.digest}`,
  );
}

export function revoked({ project }: RepoRow, atMs: number): EngineError {
  return new EngineError(
    'untrusted',
    `the trust in ${project} was revoked at ${new Date(atMs).toISOString()}: nothing new starts in it`,
    `trust it again: stator repo trust ${shellWord(project)}`,
  );
}

/** The text for files that enable nothing, if other files were trusted. */
export function nothingOwn(enables: readonly string[]): readonly string[] {
  return enables.length > 0 ? enables : ['nothing of its own: agents are those of daemon.toml, or the built-in one'];
}

/** A short text about the trust that a registration gave. */
export function wayText({ enables, agentsOf }: RepoConfig): string {
  if (enables.length > 0) return 'its configuration, as it is now';
  return agentsOf === 'user' ? 'its files enable nothing; agents are those of daemon.toml' : 'its files enable nothing';
}
