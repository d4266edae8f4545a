/** From a repo's configuration to the policy that guards read, and the parts of the configuration without effect. */

import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import type { Lander } from '../../../machines/vocabulary/landing.ts';
import type { PullMergeMode, StackMode } from '../../../machines/vocabulary/plan-pull.ts';
import {
  defaultPolicy,
  type Isolation,
  type Overlap,
  type Policy,
  type RolePolicy,
} from '../../../machines/vocabulary/policy.ts';
import { type AgentProfile, canPlay, unplayable } from './profiles.ts';
import type { Flags } from './schema.ts';

export type Profiles = Readonly<Record<Role, AgentProfile>>;

export interface PolicyParts {
  readonly flags: Flags;
  readonly profiles: Profiles;
  readonly requireChange: boolean;
  readonly isolation: Isolation;
  readonly overlap: Overlap;
  readonly maxActivePlans: number;
  readonly priority: number;
  readonly cleanupAgeMs: number;
  readonly pullMerge: PullMergeMode;
  readonly pullStack: StackMode;
  readonly landingAuto: boolean;
  readonly landingBy: Lander;
  readonly landingRefreshMs: number | null;
}

/** `auto_review_fix` is on only if a fixer is; a verifier's own fixes are always limited: 0 means the default limit. */
export function policyOf(parts: PolicyParts): Policy {
  const {
    flags,
    profiles,
    requireChange,
    isolation,
    overlap,
    maxActivePlans,
    priority,
    cleanupAgeMs,
    pullMerge,
    landingAuto,
  } = parts;
  return {
    ...flags,
    readiness_self_fix_max_lines: flags.readiness_self_fix_max_lines || defaultPolicy.readiness_self_fix_max_lines,
    auto_review_fix: flags.auto_review_fix && isOn(profiles.fixer),
    landing_auto: landingAuto,
    landing_by: parts.landingBy,
    landing_refresh_ms: parts.landingRefreshMs,
    pull_merge: pullMerge,
    pull_stack: parts.pullStack,
    require_change: requireChange,
    isolation,
    overlap,
    max_active_plans: maxActivePlans,
    priority,
    cleanup_age_ms: cleanupAgeMs,
    roles: {
      planner: rolePolicy(profiles.planner),
      architect: rolePolicy(profiles.architect),
      coder: {
        ...rolePolicy(profiles.coder),
        ...(profiles.coder.small === null ? {} : { small: profiles.coder.small }),
      },
      reviewer: rolePolicy(profiles.reviewer),
      fixer: rolePolicy(profiles.fixer),
      verifier: rolePolicy(profiles.verifier),
      // It is its own fixer; under "sh" it would run the blocks of its task once more.
      session: {
        ...rolePolicy(profiles.session),
        fixesAlone: flags.auto_review_fix && profiles.session.preset !== 'sh',
      },
    },
  };
}

/** One line for each key that has no effect, and each role that is configured to be on and cannot be, as a sentence about the consequence. */
export function unusedNotes(profiles: Profiles, flags: Flags): string[] {
  const isReviewed = isOn(profiles.reviewer) || isOn(profiles.verifier);
  const limit = defaultPolicy.readiness_self_fix_max_lines;
  const selfFix =
    flags.readiness_self_fix_max_lines > 0
      ? []
      : [`readiness_self_fix_max_lines = 0 sets no limit of your own: the default, ${limit}, is in force`];
  const unused = roles.flatMap((role) => {
    const profile = profiles[role];
    const why = profile.enabled ? unplayable(profile) : null;
    if (why === null) return [];
    if (role !== 'fixer') return [`the ${role} is off: ${why}`];
    if (!isReviewed || !flags.auto_review_fix) return [];
    return [`auto_review_fix is off: ${why}`];
  });
  return [...selfFix, ...unused];
}

function isOn(profile: AgentProfile): boolean {
  return profile.enabled && canPlay(profile);
}

function rolePolicy(profile: AgentProfile): RolePolicy {
  return {
    on: isOn(profile),
    attempts: profile.attempts,
    timeoutMs: profile.timeoutMs,
    idleMs: profile.idleTimeoutMs,
    speaksByExit: profile.preset === 'command' && (profile.role === 'reviewer' || profile.role === 'verifier'),
  };
}
