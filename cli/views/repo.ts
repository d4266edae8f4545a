/** Registered repos, as a person reads them. */
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { RepoEntry, RepoRemoved, RepoShow, RepoSwitched } from '../../runtime/api/client/client.ts';
import type { repoOperations } from '../../runtime/api/operations/repo.ts';
import type { View } from '../operation-verb.ts';
import { fields, type Output, section, table } from '../output.ts';
import { plainKept, printRemoved } from '../registered.ts';
import { plain } from '../text.ts';

const repos: View<RepoEntry[]> = {
  list: {
    headings: ['project', 'path', 'active', 'state'],
    row: ({ project, path, active_plans: active, state, reason }) => [
      project,
      path,
      String(active),
      {
        text: reason === null ? state : `${state}: ${withLocalTimes(reason, Date.now())}`,
        tone: state === 'active' ? 'plain' : 'attention',
      },
    ],
    empty: 'no repos; stator repo add <path> registers one',
  },
};

const repo: View<RepoShow> = { lines: repoLines };

const removeRepo: View<RepoRemoved> = {
  print(call, removed) {
    printRemoved(call, removed);
    return 0;
  },
};

const pauseRepo: View<RepoSwitched> = {
  done: ({ project }) => [`paused ${project}; go on with: stator repo resume ${shellWord(project)}`],
};

const resumeRepo: View<RepoSwitched> = { done: ({ project }) => [`resumed ${project}`] };

function repoLines(repo: RepoShow, { paint, verbose }: Output): string[] {
  const state = repo.reason === null ? repo.state : `${repo.state}: ${plain(withLocalTimes(repo.reason, Date.now()))}`;
  const head = fields(
    [
      ['repo', plain(repo.project)],
      ['path', plain(repo.path)],
      ['state', repo.state === 'active' ? state : paint('attention', state)],
      ['trusted', repo.trust === null ? null : `since ${repo.trust.since}, by ${repo.trust.by}`],
      ['plans', `${repo.plans.length}, ${repo.active_plans} under way`],
      ['daemon.toml', repo.listed ? 'lists it' : 'does not list it'],
      ['file', repo.problem === null ? null : paint('bad', plain(repo.problem))],
    ],
    paint,
  );
  const shown = repo.config.filter(({ origin }) => verbose || origin !== 'default');
  const config = shown.map(({ key, value, origin }) => [key, JSON.stringify(value), origin]);
  return [
    ...head,
    ...section('it may start:', repo.enables.map(plain)),
    ...section(
      `changed since it was trusted, and not in force until you say stator repo trust ${shellWord(repo.project)}:`,
      (repo.untrusted.length === 0 ? [] : repo.changes).map((line) => paint('attention', plainKept(line))),
    ),
    ...section('notes:', repo.notes.map(plain)),
    ...section(
      verbose ? 'configuration in force:' : 'configuration in force (defaults with --verbose):',
      config.length === 0 ? [] : table(['key', 'value', 'from'], config, { paint }),
    ),
    ...section('plans:', repo.plans.length === 0 ? [] : planTable(repo, paint)),
  ];
}

function planTable({ plans }: RepoShow, paint: Output['paint']): string[] {
  const rows = plans.map(({ plan, status, phase, blocked, paused }) => [
    plan,
    status,
    phase ?? '',
    blocked ? 'blocked' : paused ? 'paused' : '',
  ]);
  return table(['plan', 'status', 'phase', ''], rows, { paint });
}

export default { repos, repo, removeRepo, pauseRepo, resumeRepo } satisfies Partial<
  Record<keyof typeof repoOperations, View<never>>
>;
