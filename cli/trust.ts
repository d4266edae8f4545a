/** `stator trust`: which repos are trusted, and with what. */

import type { TrustShow } from '../runtime/api/client/client.ts';
import { defineVerb, type Verbs } from './command.ts';
import type { Output } from './output.ts';
import { plainKept } from './registered.ts';
import { repoArg, whichRepo } from './repo/which.ts';
import { withClient } from './session.ts';
import { fields, section } from './table.ts';
import { plain } from './text.ts';

const list = defineVerb({
  summary: 'List the trusted repos, since when and by which command.',
  args: {},
  examples: ['stator trust list'],
  async run(_args, call) {
    const { out } = call;
    const entries = await withClient(call, 'read', (client) => client.trust());
    out.list(entries, {
      headings: ['project', 'state', 'since', 'by', 'digest'],
      row: ({ project, state, since, by, digest, revoked_at: revokedAt }) => [
        project,
        { text: state, tone: state === 'trusted' ? 'plain' : 'attention' },
        (revokedAt ?? since).slice(0, 16).replace('T', ' '),
        by,
        digest?.slice(0, 12) ?? '-',
      ],
      empty: 'no repos; stator repo add <path> registers one',
    });
  },
});

const show = defineVerb({
  summary: 'Show what of a repo is trusted, since when and by which command, and what has changed since.',
  args: { repo: repoArg },
  examples: ['stator trust show my-lib'],
  async run({ repo }, call) {
    const project = whichRepo(call, repo);
    const shown = await withClient(call, 'read', (client) => client.trustOf(project));
    call.out.answer(shown, () => lines(shown, call.out));
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

const revoke = defineVerb({
  summary: 'Revoke the trust in a repo: nothing new of it starts. Running agents continue to their end.',
  args: { repo: repoArg },
  examples: ['stator trust revoke my-lib', 'stator repo trust my-lib'],
  more: 'Its plans do not change, and continue when the repo is trusted again.',
  async run({ repo }, call) {
    const { out } = call;
    const named = whichRepo(call, repo);
    const answer = await withClient(call, 'write', (client) => client.revokeTrust(named));
    const { project } = answer;
    out.done(answer, `${project} is not trusted any more; give it back with: stator repo trust ${project}`);
    for (const note of answer.notes) out.note(note);
  },
});

export default { list, show, revoke } satisfies Verbs;
