/** `stator issue list`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'The sessions of issues, over all repos.',
  args: {},
  examples: ['stator issue list', 'stator issue list --json'],
  async run(_args, call) {
    const { out, project } = call;
    const sessions = await withClient(call, 'read', (client) => client.issues(project));
    out.answer(sessions, () =>
      out.table(
        ['issue', 'status', 'needs you', 'branch', 'pull request', 'title'],
        sessions.map((one) => [
          one.reference ?? `${one.project}/${one.plan}`,
          one.running ? `${one.status}, at work` : one.status,
          { text: one.blocked ?? '', tone: 'bad' },
          one.branch,
          one.pull_request ?? '',
          one.title ?? '',
        ]),
        'no sessions: stator issue start <issue> "<what to do>"',
      ),
    );
    return 0;
  },
});
