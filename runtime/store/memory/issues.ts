/** The sessions of issues in memory, and what people said to each. */
import type { PlanKey } from '../port.ts';
import { type IssueMessage, type IssueRow, issueMessageLimit } from '../rows.ts';
import { byText, createTable, type Undo } from './table.ts';

export function createIssues(undo: Undo) {
  const rows = createTable<string, IssueRow>(undo);
  const said = createTable<string, readonly IssueMessage[]>(undo);
  const keyOf = ({ project, plan }: PlanKey) => `${project}/${plan}`;

  return {
    insert({ project, plan, reference, title, pullRequest, createdAt }: IssueRow): void {
      rows.set(keyOf({ project, plan }), { project, plan, reference, title, pullRequest, createdAt });
    },
    setPullRequest(key: PlanKey, url: string): boolean {
      if (rows.get(keyOf(key)) === undefined) return false;
      rows.patch(keyOf(key), { pullRequest: url });
      return true;
    },
    remove: (key: PlanKey): void => rows.remove(keyOf(key)),
    say(key: PlanKey, { content, at }: IssueMessage): void {
      said.set(keyOf(key), [...(said.get(keyOf(key)) ?? []), { content, at }].slice(-issueMessageLimit));
    },
    list: (): IssueRow[] =>
      [...rows.all()].sort(
        (a, b) => a.createdAt - b.createdAt || byText(a.project, b.project) || byText(a.plan, b.plan),
      ),
    messages: (key: PlanKey): IssueMessage[] => [...(said.get(keyOf(key)) ?? [])],
  };
}
