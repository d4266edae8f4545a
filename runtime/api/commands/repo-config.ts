/** A repo's configuration as people are shown it: each key of the files with the value in force and where it comes from. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { withoutAcp } from '../../base/config/acp/agents.ts';
import type { RepoConfig } from '../../base/config/config.ts';
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
  const plain: [string, unknown][] = [
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
    ['confirm_file_size', config.confirmAdditions.fileBytes],
    ['confirm_new_files', config.confirmAdditions.newFiles],
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
  ];
  const agents = Object.values(profiles).flatMap((profile): [string, unknown][] => {
    const key = (name: string) => `agents.${profile.role}.${name}`;
    if (!profile.enabled) return [[key('enabled'), false]];
    return [
      [key('preset'), withoutAcp(profile.preset)],
      ...(profile.acp ? [[key('acp'), true] satisfies [string, unknown]] : []),
      [key('program'), profile.program ?? ''],
      [key('flags'), [...profile.flags]],
      [key('model'), profile.model ?? ''],
      ...(Object.keys(profile.mcp).length === 0 ? [] : [[key('mcp'), profile.mcp] satisfies [string, unknown]]),
      ...(profile.mode === null ? [] : [[key('mode'), profile.mode] satisfies [string, unknown]]),
      [key('account'), profile.account ?? ''],
      [key('fallback'), profile.fallbacks[0]?.name ?? ''],
      [key('reserve'), profile.reserve === null ? '' : `${Math.round(profile.reserve * 100)}%`],
      ...(profile.role === 'coder' ? [[key('small'), profile.small ?? ''] satisfies [string, unknown]] : []),
      [key('escalate'), profile.steps.map(({ name }) => name ?? profile.role)],
      [key('timeout'), durationText(profile.timeoutMs)],
      [key('idle_timeout'), profile.idleTimeoutMs === null ? '' : durationText(profile.idleTimeoutMs)],
      [key('attempts'), profile.attempts],
      [key('env_file'), profile.envFile ?? ''],
      [key('sandbox'), profile.sandbox],
      [key('network'), profile.network],
      ...(profile.network === 'hosts' ? [[key('hosts'), [...profile.hosts]] satisfies [string, unknown]] : []),
      [key('nice'), profile.nice],
      [key('memory'), limitText(profile.memoryBytes, usualMemoryBytes())],
      [key('processes'), profile.processes === undefined ? usualProcesses : (profile.processes ?? '')],
      [key('disk'), profile.diskBytes === undefined ? 'half of what is free' : limitText(profile.diskBytes, 0)],
      [key('terminal'), profile.terminal],
      [key('permissions'), profile.permissions],
      [key('permission_timeout'), durationText(profile.permissionTimeoutMs)],
      [key('writable'), [...profile.writable]],
      [key('readable'), [...profile.readable]],
      [key('env'), [...profile.env]],
    ];
  });
  return [...plain, ...agents].map(([key, value]) => ({ key, value: shown(value), origin: originText(config, key) }));
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
