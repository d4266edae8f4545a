/** `stator daemon status`. */
import type { RepoEntry, StatusAnswer } from '../../runtime/api/client/client.ts';
import { isThisStator } from '../../runtime/base/platform/version.ts';
import { accountLines } from '../account-text.ts';
import { defineVerb } from '../command.ts';
import { forgeLines } from '../forge-text.ts';
import { differenceText } from '../other-version.ts';
import { padded, plain, plainLines, widthOf } from '../text.ts';
import { requireDaemon } from './presence.ts';

export default defineVerb({
  summary: 'Whether the daemon runs, for how long, and how its repos are.',
  args: {},
  examples: ['stator daemon status', 'stator daemon status --json'],
  more: 'Exit code 69: no daemon runs.',
  async run(_args, call) {
    const { client, owner } = await requireDaemon(call);
    const status = await client.status();
    call.out.answer(status, () => [
      ...statusLines(status),
      ...(isThisStator(owner) ? [] : [`note: the daemon is ${differenceText(owner)}: stator daemon restart`]),
    ]);
    return 0;
  },
});

function statusLines({ uptime, repos, waiting, problems, notes, warnings, forges, accounts }: StatusAnswer): string[] {
  return [
    `daemon running (uptime: ${uptimeText(uptime)})`,
    ...(waiting === null ? [`repos (${repos.length}):`, ...repoLines(repos)] : [`waiting: ${plain(waiting)}`]),
    ...problems.map((problem) => `problem: ${plainLines(problem)}`),
    ...notes.map((note) => `note: ${plainLines(note)}`),
    ...forgeLines(forges, Date.now()).map(({ text }) => text),
    ...accountLines(accounts, Date.now()),
    ...warnings.map((warning) => `warning: ${plainLines(warning)}`),
  ];
}

/** `3h14m22s`, `14m22s`, `22s`. */
function uptimeText(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}

function repoLines(repos: readonly RepoEntry[]): string[] {
  const width = (text: (repo: RepoEntry) => string) => Math.max(0, ...repos.map((repo) => widthOf(plain(text(repo)))));
  const [names, paths, counts] = [
    width(({ project }) => project),
    width(({ path }) => path),
    width(({ active_plans: active }) => `active: ${active}`),
  ];
  return repos.map(({ project, path, active_plans: active, state, reason }) => {
    const stateText =
      state === 'active' || state === 'registered' ? '' : reason === null ? state : `${state}: ${plain(reason)}`;
    const cells = [
      padded(plain(project), names),
      padded(plain(path), paths),
      padded(`active: ${active}`, counts),
      stateText,
    ];
    return `  ${cells.join('  ')}`.trimEnd();
  });
}
