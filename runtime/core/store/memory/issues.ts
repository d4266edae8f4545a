/** The sessions of issues in memory, and what people said to each. */
import type { PlanKey } from '../port.ts';
import { type IssueMessage, type IssueRow, issueMessageLimit } from '../rows.ts';
import { createExpiry, nextNumber } from './expiry.ts';
import { byText, createTable, type Undo } from './table.ts';

interface StoredMessage extends IssueMessage {
  readonly id: number;
  readonly key: string;
}

export function createIssues(undo: Undo) {
  const rows = createTable<string, IssueRow>(undo);
  const said = createTable<string, readonly StoredMessage[]>(undo);
  const keyOf = ({ project, plan }: PlanKey) => `${project}/${plan}`;

  /** All of all sessions, in the order in which they were said. */
  const allSaid = (): StoredMessage[] => [...said.all()].flat().sort((a, b) => a.id - b.id);

  return {
    expiry: createExpiry<StoredMessage>({
      all: () => allSaid().map((row) => ({ number: row.id, row })),
      goes: ({ at, key }, beforeMs, isLast) => !isLast && at < beforeMs && rows.get(key) === undefined,
      drop: ({ id, key }) =>
        said.set(
          key,
          (said.get(key) ?? []).filter((each) => each.id !== id),
        ),
    }),
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
      const message = { id: nextNumber(allSaid().map(({ id }) => id)), key: keyOf(key), content, at };
      said.set(message.key, [...(said.get(message.key) ?? []), message].slice(-issueMessageLimit));
    },
    list: (): IssueRow[] =>
      [...rows.all()].sort(
        (a, b) => a.createdAt - b.createdAt || byText(a.project, b.project) || byText(a.plan, b.plan),
      ),
    messages: (key: PlanKey): IssueMessage[] =>
      (said.get(keyOf(key)) ?? []).map(({ content, at }) => ({ content, at })),
  };
}
