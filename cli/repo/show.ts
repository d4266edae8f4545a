/** `stator repo show`. */
import type { RepoShow } from '../../runtime/api/client/client.ts';
import { defineVerb } from '../command.ts';
import type { Output } from '../output.ts';
import { plainKept } from '../registered.ts';
import { withClient } from '../session.ts';
import { fields, table } from '../table.ts';
import { plain } from '../text.ts';
import { repoArg, whichRepo } from './which.ts';

export default defineVerb({
  summary: 'One repo: its state, the configuration in force and where each value is from, and its plans.',
  args: { repo: repoArg },
  examples: ['stator repo show my-lib'],
  async run({ repo }, call) {
    const project = whichRepo(call, repo);
    const shown = await withClient(call, 'read', (client) => client.repo(project));
    call.out.answer(shown, () => lines(shown, call.out));
    return 0;
  },
});

function lines(repo: RepoShow, { paint, verbose }: Output): string[] {
  const state = repo.reason === null ? repo.state : `${repo.state}: ${plain(repo.reason)}`;
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
      `changed since it was trusted, and not in force until you say stator repo trust ${repo.project}:`,
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

function section(title: string, body: readonly string[]): string[] {
  return body.length === 0 ? [] : ['', title, ...body.map((line) => `  ${line}`)];
}
