/** The sessions of issues, beside their plans, and people's messages to each: the next session of the same issue gets them. */
import type { PlanKey } from '../port.ts';
import { type IssueMessage, type IssueRow, issueMessageLimit } from '../rows.ts';
import { type Answer, answered, type Connection, changedOne } from './connection.ts';
import { createExpiry } from './expiry.ts';

export function createIssueTable(db: Connection) {
  const insert = db.prepare(
    `INSERT INTO issues (project, plan, reference, title, pull_request, created_at)
     VALUES (@project, @plan, @reference, @title, @pullRequest, @createdAt)
     ON CONFLICT (project, plan) DO UPDATE SET title = COALESCE(excluded.title, issues.title),
       pull_request = COALESCE(excluded.pull_request, issues.pull_request)`,
  );
  const setPullRequest = db.prepare('UPDATE issues SET pull_request = ? WHERE project = ? AND plan = ?');
  const remove = db.prepare('DELETE FROM issues WHERE project = ? AND plan = ?');
  const say = db.prepare('INSERT INTO issue_messages (project, plan, content, at, author) VALUES (?, ?, ?, ?, ?)');
  const forget = db.prepare(
    `DELETE FROM issue_messages WHERE project = @project AND plan = @plan AND id NOT IN
       (SELECT id FROM issue_messages WHERE project = @project AND plan = @plan ORDER BY id DESC LIMIT CAST(@limit AS BIGINT))`,
  );
  const list = db.prepare<[], IssueRow>(
    `SELECT project, plan, reference, title, pull_request AS "pullRequest", created_at AS "createdAt" FROM issues
     ORDER BY created_at, project, plan`,
  );
  const messages = db.prepare<[string, string], IssueMessage>(
    'SELECT author AS by, content, at FROM issue_messages WHERE project = ? AND plan = ? ORDER BY id',
  );

  const expiry = createExpiry(db, {
    name: 'issue_messages',
    number: 'id',
    where: `at < @beforeMs AND id < (SELECT max(id) FROM issue_messages)
      AND NOT EXISTS (SELECT 1 FROM issues i WHERE i.project = issue_messages.project AND i.plan = issue_messages.plan)`,
    statements: ['DELETE FROM issue_messages WHERE <these>'],
  });

  return {
    expiry,
    insert: ({ project, plan, reference, title, pullRequest, createdAt }: IssueRow) =>
      insert.run({ project, plan, reference, title, pullRequest, createdAt }),
    setPullRequest({ project, plan }: PlanKey, url: string): Answer<boolean> {
      return changedOne(setPullRequest.run(url, project, plan));
    },
    remove: ({ project, plan }: PlanKey) => remove.run(project, plan),
    addMessage({ project, plan }: PlanKey, { by, content, at }: IssueMessage): Answer<unknown> {
      return answered(say.run(project, plan, content, at, by), () =>
        forget.run({ project, plan, limit: issueMessageLimit }),
      );
    },
    list: () => list.all(),
    messages: ({ project, plan }: PlanKey) => messages.all(project, plan),
  };
}
