/** Sessions of issues, as a person reads them. */
import { clockTime } from '../../machines/vocabulary/time-text.ts';
import type { IssueCommented, IssueContext, IssueEntry } from '../../runtime/api/client/client.ts';
import type { issueOperations } from '../../runtime/api/operations/issue.ts';
import type { View } from '../operation-verb.ts';

const issues: View<IssueEntry[]> = {
  list: {
    headings: ['issue', 'status', 'needs you', 'branch', 'pull request', 'title'],
    row: (one) => [
      one.reference ?? `${one.project}/${one.plan}`,
      one.running ? `${one.status}, at work` : one.status,
      { text: one.blocked ?? '', tone: 'bad' },
      one.branch,
      one.pull_request ?? '',
      one.title ?? '',
    ],
    empty: 'no sessions: stator issue start <issue> "<what to do>"',
  },
};

const issueContext: View<IssueContext> = {
  print({ out }, context) {
    out.answer(context, () =>
      context.messages.flatMap(({ by, at, content }) => [`${clockTime(at)} ${by}:`, content, '']),
    );
    if (context.messages.length === 0) out.remark('nothing was said yet');
    return 0;
  },
};

const setPullRequest: View<IssueEntry> = {
  done: (session) => [`noted: ${session.reference ?? session.plan} has ${session.pull_request}`],
};

const commentOnIssue: View<IssueCommented> = { done: ({ url }) => [`written: ${url}`] };

export default { issues, issueContext, setPullRequest, commentOnIssue } satisfies Partial<
  Record<keyof typeof issueOperations, View<never>>
>;
