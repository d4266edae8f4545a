/** Whether an answer has the shape that this stator expects. Only answers of engines of another build are checked, because the check loads every route. */
import { issueText } from '../../../machines/vocabulary/schema-issue.ts';
import type { AnyRoute } from '../control/route.ts';
import { routes } from '../control/routes.ts';

/** Throws an Error that names the route and the field: a misread answer would print `NaN`, or leave a field out. */
export function mustFit(key: string, status: number, value: unknown): void {
  const all: readonly AnyRoute[] = routes;
  const kind = all.find((route) => route.key === key)?.definition.answers[status];
  if (kind === undefined || typeof kind === 'string') return;
  const [issue] = kind.safeParse(value).error?.issues ?? [];
  if (issue !== undefined) throw new Error(`the answer to ${key}: ${issue.path.join('.')} ${issueText(issue)}`);
}
