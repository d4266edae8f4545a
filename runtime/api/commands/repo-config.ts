/** A repo's configuration as people are shown it: each key of the files with the value in force and where it comes from. */
import { budgetMeasures } from '../../../machines/vocabulary/budget.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { withoutAcp } from '../../base/config/acp/agents.ts';
import type { AgentProfile, RepoConfig } from '../../base/config/config.ts';
import { originOf } from '../../base/config/document.ts';
import { durationText } from '../../base/config/duration.ts';
import { usualMemoryBytes, usualProcesses } from '../../base/platform/machine-share.ts';
import { withoutSecrets } from '../../base/platform/secrets.ts';
import { sizeText } from '../../base/platform/size.ts';
import type { Projects } from '../../work/repos/registry.ts';
import type { RepoShow } from '../contract/repos.ts';

/** Empty where what was trusted no longer parses: then nothing is in force. */
export function configEntries(projects: Pick<Projects, 'get'>, project: string): RepoShow['config'] {
  try {
    return entriesOf(projects.get(project).config);
  } catch (thrown) {
    if (thrown instanceof EngineError) return [];
    throw thrown;
  }
}

function entriesOf(config: RepoConfig): RepoShow['config'] {
  const { flags, worktree, profiles } = config;
  const plain: Entry[] = [
    ...Object.entries(flags),
    ['max_active_plans', config.maxActivePlans],
    ['priority', config.priority],
    ['base_branch', config.baseBranch],
    ['base_fetch', config.baseFetch],
    ['sign', config.sign],
    ['isolation', config.isolation],
    ['require_change', config.requireChange],
    ['confirm_deletions', config.confirmDeletions],
    ['confirm_secrets', config.confirmAdditions.secrets],
    ['confirm_file_size', limitText(config.confirmAdditions.fileBytes, 0)],
    ['confirm_new_files', config.confirmAdditions.newFiles ?? ''],
    ['close_issues', config.closeIssues],
    ['waves.overlap', config.overlap],
    ['landing.auto', config.policy.landing_auto],
    ['landing.by', config.policy.landing_by],
    [
      'landing.refresh',
      config.policy.landing_refresh_ms === null ? '' : durationText(config.policy.landing_refresh_ms),
    ],
    ['landing.check', config.landing.check ?? ''],
    ['landing.strategy', config.landing.strategy],
    ['landing.review_again', config.landing.reviewAgain],
    ['landing.batch', config.landing.batch],
    ['pull_requests.merge', config.policy.pull_merge],
    ['pull_requests.method', config.mergeMethod ?? ''],
    ['pull_requests.stack', config.policy.pull_stack],
    ['cleanup_age', durationText(config.cleanupAgeMs)],
    ['worktree.setup', worktree.setup ?? ''],
    ['worktree.copy', [...worktree.copy]],
    ['worktree.dir', worktree.dir],
    ['documents.write_back', config.documents.writeBack],
    ['notes.file', config.noteRules.file],
    ['notes.take', config.noteRules.take],
    ['notes.tokens', config.noteRules.tokens],
    ...budgetEntries(config.budget),
    ...config.members.flatMap(({ folder, repo, branch }): Entry[] => [
      [`members.${folder}.repo`, repo],
      [`members.${folder}.branch`, branch ?? ''],
    ]),
  ];
  // Further profiles and the checks have what the coder has, but for the keys of their own tables.
  const further = [
    ...profiles.coder.choices.flatMap((profile) => agentEntries(profile, profile.name ?? profile.role)),
    ...agentEntries(config.checks, 'check'),
  ].filter(([key]) => originOf(config, key).file !== null);
  const agents = Object.values(profiles).flatMap((profile) => agentEntries(profile, profile.role));
  return [...plain, ...agents, ...further].map(([key, value]) => ({
    key,
    value: shown(value),
    origin: originText(config, key),
  }));
}

type Entry = [key: string, value: unknown];

function budgetEntries({ plan, day, attempt, hardShare }: RepoConfig['budget']): Entry[] {
  const amounts = Object.entries({ budget: plan, 'budget.day': day, 'budget.attempt': attempt });
  return [
    ...amounts.flatMap(([table, limits]) =>
      budgetMeasures.map((measure): Entry => [`${table}.${measure}`, limits[measure] ?? '']),
    ),
    ['budget.hard_percent', Math.round(hardShare * 100)],
  ];
}

/** `table`: its name in `[agents]`. */
function agentEntries(profile: AgentProfile, table: string): Entry[] {
  const key = (name: string) => `agents.${table}.${name}`;
  const where = (isShown: boolean, name: string, value: unknown): Entry[] => (isShown ? [[key(name), value]] : []);
  if (!profile.enabled) return [[key('enabled'), false]];
  return [
    [key('preset'), withoutAcp(profile.preset)],
    ...where(profile.acp, 'acp', true),
    [key('program'), profile.program ?? ''],
    [key('flags'), [...profile.flags]],
    [key('model'), profile.model ?? ''],
    ...where(Object.keys(profile.mcp).length > 0, 'mcp', profile.mcp),
    ...where(profile.mode !== null, 'mode', profile.mode),
    [key('account'), profile.account ?? ''],
    [key('fallback'), profile.fallbacks[0]?.name ?? ''],
    [key('reserve'), profile.reserve === null ? '' : `${Math.round(profile.reserve * 100)}%`],
    ...where(profile.role === 'coder', 'small', profile.small ?? ''),
    [key('escalate'), profile.steps.map(({ name }) => name ?? profile.role)],
    [key('timeout'), durationText(profile.timeoutMs)],
    [key('idle_timeout'), profile.idleTimeoutMs === null ? '' : durationText(profile.idleTimeoutMs)],
    [key('attempts'), profile.attempts],
    [key('max_cost_usd'), profile.maxCostUsd ?? ''],
    [key('env_file'), profile.envFile ?? ''],
    [key('sandbox'), profile.sandbox],
    [key('network'), profile.network],
    ...where(profile.network === 'hosts', 'hosts', [...profile.hosts]),
    [key('nice'), profile.nice],
    [key('memory'), limitText(profile.memoryBytes, usualMemoryBytes())],
    [key('processes'), profile.processes === undefined ? usualProcesses : (profile.processes ?? '')],
    [key('disk'), profile.diskBytes === undefined ? 'half of what is free' : limitText(profile.diskBytes, 0)],
    [key('terminal'), profile.terminal],
    [key('permissions'), profile.permissions],
    [key('permission_timeout'), durationText(profile.permissionTimeoutMs)],
    [key('writable'), [...profile.writable]],
    [key('readable'), [...profile.readable]],
    ...where(profile.role === 'reviewer' || profile.role === 'verifier', 'trusted_files', [...profile.trustedFiles]),
    [key('env'), [...profile.env]],
  ];
}

function limitText(bytes: number | null | undefined, usualBytes: number): string {
  return bytes === null ? '' : sizeText(bytes ?? usualBytes);
}

/** People put addresses with passwords into commands and flags. */
function shown(value: unknown): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  return Array.isArray(value) ? value.map(shown) : value;
}

function originText(config: RepoConfig, key: string): string {
  const { file, line } = originOf(config, key);
  if (file === null) return 'default';
  return line === null ? file : `${file}:${line}`;
}
