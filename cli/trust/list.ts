/** `stator trust list`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Which repos are trusted, since when, and by which way.',
  args: {},
  examples: ['stator trust list'],
  async run(_args, call) {
    const { out } = call;
    const entries = await withClient(call, 'read', (client) => client.trust());
    out.answer(entries, () =>
      out.table(
        ['project', 'state', 'since', 'by', 'digest'],
        entries.map(({ project, state, since, by, digest, revoked_at: revokedAt }) => [
          project,
          { text: state, tone: state === 'trusted' ? 'plain' : 'attention' },
          (revokedAt ?? since).slice(0, 16).replace('T', ' '),
          by,
          digest?.slice(0, 12) ?? '-',
        ]),
        'no repos; stator repo add <path> registers one',
      ),
    );
    return 0;
  },
});
