/** Whether an answer has the shape that this stator expects. It is asked of engines of another build only: it loads every route. */
import { issueText } from '../../../machines/vocabulary/schema-issue.ts';
import type { AnyRoute } from '../control/route.ts';
import { routes } from '../control/routes.ts';

/** Throws an Error that names the route and the field: an answer that is misread prints `NaN`, or nothing where there is something. */
export function mustFit(key: string, status: number, value: unknown): void {
  const all: readonly AnyRoute[] = routes;
  const kind = all.find((route) => route.key === key)?.definition.answers[status];
  if (kind === undefined || typeof kind === 'string') return;
  const [issue] = kind.safeParse(value).error?.issues ?? [];
  if (issue !== undefined) throw new Error(`the answer to ${key}: ${issue.path.join('.')} ${issueText(issue)}`);
}
