/** What people are told, as rows: written in the commit of the step itself, so each transition tells exactly once, whatever dies meanwhile. */
import { noticeLimit } from '../../../actors/notices.ts';
import type { NotificationType } from '../../../machines/vocabulary/notification.ts';
import type { ChangeOf, PlanKey } from '../store/port.ts';

/** One row, its message cut to what a list shows. */
export function notification(
  { project, plan }: PlanKey,
  { type, message, at }: { readonly type: NotificationType; readonly message: string; readonly at: number },
): ChangeOf<'notification.insert'> {
  return { do: 'notification.insert', type, project, plan, message: message.slice(0, noticeLimit), at };
}
