/** `stator repo list`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'The registered repos.',
  args: {},
  examples: ['stator repo list'],
  async run(_args, call) {
    const { out } = call;
    const repos = await withClient(call, 'read', (client) => client.repos());
    out.answer(repos, () =>
      out.table(
        ['project', 'path', 'active', 'state'],
        repos.map(({ project, path, active_plans: active, state, reason }) => [
          project,
          path,
          String(active),
          { text: reason === null ? state : `${state}: ${reason}`, tone: state === 'active' ? 'plain' : 'attention' },
        ]),
        'no repos; stator repo add <path> registers one',
      ),
    );
    return 0;
  },
});
