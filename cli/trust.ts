/** The parts of `repo trust` that do not trust anything: they list the trusted repos and what was trusted, and they revoke trust. */
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { Client, TrustShow } from '../runtime/api/client/client.ts';
import type { Call } from './command.ts';
import { fields, type Output, section } from './output.ts';
import { plainKept } from './registered.ts';
import { withClient } from './session.ts';
import { plain } from './text.ts';

export async function listTrust(call: Call): Promise<void> {
  const entries = await withClient(call, 'read', (client) => client.trust());
  call.out.list(entries, {
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
}

/** Finds the project of the verb through the connected client. */
type Named = (client: Client) => Promise<string>;

export async function showTrust(call: Call, named: Named): Promise<void> {
  const shown = await withClient(call, 'read', async (client) => client.trustOf({ project: await named(client) }));
  call.out.answer(shown, () => lines(shown, call.out));
}

export async function revokeTrust(call: Call, named: Named): Promise<void> {
  const { out } = call;
  const answer = await withClient(call, 'write', async (client) =>
    client.revokeTrust({ project: await named(client) }),
  );
  const { project } = answer;
  out.done(answer, `${project} is not trusted any more; give it back with: stator repo trust ${shellWord(project)}`);
  for (const note of answer.notes) out.note(note);
}

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
      `changed since, and not in force until you say stator repo trust ${shellWord(project)}:`,
      changes.map((line) => paint('attention', plainKept(line))),
    ),
  ];
}
