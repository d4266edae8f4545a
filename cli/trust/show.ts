/** `stator trust show`. */
import type { TrustShow } from '../../runtime/api/client/client.ts';
import { defineVerb } from '../command.ts';
import type { Output } from '../output.ts';
import { plainKept } from '../registered.ts';
import { repoArg, whichRepo } from '../repo/which.ts';
import { withClient } from '../session.ts';
import { fields } from '../table.ts';
import { plain } from '../text.ts';

export default defineVerb({
  summary: 'What of a repo is trusted, since when, by which way, and what has changed since.',
  args: { repo: repoArg },
  examples: ['stator trust show my-lib'],
  async run({ repo }, call) {
    const project = whichRepo(call, repo);
    const shown = await withClient(call, 'read', (client) => client.trustOf(project));
    call.out.answer(shown, () => lines(shown, call.out));
    return 0;
  },
});

function lines(trust: TrustShow, { paint }: Output): string[] {
  const { project, path, state, since, by, enables, changes, problem } = trust;
  const head = fields(
    [
      ['repo', `${plain(project)} (${plain(path)})`],
      ['state', state === 'trusted' ? state : paint('attention', state)],
      ['since', `${since}, by ${by}`],
      ['revoked', trust.revoked_at],
      ['digest', trust.digest ?? 'none: what was trusted no longer parses'],
      ['files now', trust.digest_now === trust.digest ? null : (trust.digest_now ?? 'cannot be used')],
      ['problem', problem === null ? null : paint('bad', plain(problem))],
    ],
    paint,
  );
  const own =
    enables.length === 0 ? ['nothing of its own: agents are those of daemon.toml, or the built-in one'] : enables;
  return [
    ...head,
    ...section('in force:', own.map(plain)),
    ...section(
      `changed since, and not in force until you say stator repo trust ${project}:`,
      changes.map((line) => paint('attention', plainKept(line))),
    ),
  ];
}

function section(title: string, body: readonly string[]): string[] {
  return body.length === 0 ? [] : ['', title, ...body.map((line) => `  ${line}`)];
}
