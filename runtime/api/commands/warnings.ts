/** What a person should know of the engine before anything fails. */
import { EngineError, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import { type AgentProfile, everyProfile } from '../../base/config/config.ts';
import { isSandboxOff } from '../../base/platform/home.ts';
import { unsignedText } from '../../work/git/signing.ts';
import { asksForLimits, unkeptLimits } from '../../work/sandbox/resources.ts';
import type { CommandDependencies } from './command-dependencies.ts';

/**
 * Warnings, one line each: agents without walls, limits that are not applied, commits without the signature of the person's git, hooks that were switched off,
 * quarantined signals of machines, a store that accepts no writes, failing services.
 */
export async function warnings(parts: CommandDependencies): Promise<string[]> {
  return [
    ...(await wallWarnings(parts)),
    ...(await limitWarnings(parts)),
    ...parts.projects.list().flatMap(({ path }) => unsignedText(path) ?? []),
    ...(await parts.views.hooksOff()),
    ...(await parts.views.machinesSetAside()),
    ...serviceWarnings(parts),
  ];
}

/** One line if agents that could have walls have none. */
async function wallWarnings(parts: CommandDependencies): Promise<string[]> {
  const found = isSandboxOff(parts.env) ? null : await parts.walls.state();
  if (found === null || found.kind === 'works') return [];
  if (!profilesInUse(parts).some(({ sandbox }) => sandbox === 'auto')) return [];
  return [`agents run without walls, with all that you may do: ${found.reason}; ${found.hint}`];
}

/** The enabled profiles of all repos. An unreadable configuration starts no agent. */
function profilesInUse({ projects }: CommandDependencies): AgentProfile[] {
  return projects.list().flatMap(({ project }) => {
    try {
      const { profiles, policy } = projects.get(project).config;
      return everyProfile(profiles).filter(({ role }) => policy.roles[role].on);
    } catch (thrown) {
      if (thrown instanceof EngineError) return [];
      throw thrown;
    }
  });
}

/** Problems of the store are one line, whichever part of the engine noticed them. */
function serviceWarnings(parts: CommandDependencies): string[] {
  const trouble = parts.storeTrouble();
  const ofStore = trouble === null ? [] : [onOneLine(withHint(trouble))];
  return [...new Set([...ofStore, ...parts.serviceTroubles().map(({ text }) => text)])];
}

/** One line if agents have configured limits that this machine cannot apply. */
async function limitWarnings(parts: CommandDependencies): Promise<string[]> {
  const profiles = profilesInUse(parts).filter(asksForLimits);
  if (profiles.length === 0) return [];
  const warning = unkeptLimits(profiles, await parts.resources.state());
  return warning === null ? [] : [warning];
}
