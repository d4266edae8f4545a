/** What is known of hooks beside their configuration, in memory. */
import type { ChangeOf } from '../port.ts';
import type { HookRow } from '../rows.ts';
import { byText, createTable, type Undo, where } from './table.ts';

export function createHooks(undo: Undo) {
  const sequences = createTable<string, number>(undo);
  const rows = createTable<string, HookRow>(undo);
  const keyOf = (...names: string[]) => JSON.stringify(names);

  /** The row as it is, or as it begins. */
  function rowOf(project: string, hook: string): HookRow {
    const bare = { project, hook, failing_since: null, off_at: null, off_reason: null };
    return rows.get(keyOf(project, hook)) ?? bare;
  }

  return {
    next(project: string, plan: string, hook: string): number {
      const key = keyOf(project, plan, hook);
      const number = (sequences.get(key) ?? 0) + 1;
      sequences.set(key, number);
      return number;
    },
    noteResult({ project, hook, isDelivered, at }: Omit<ChangeOf<'hook.note-result'>, 'do'>): void {
      const key = keyOf(project, hook);
      if (isDelivered) rows.patch(key, { failing_since: null });
      else rows.set(key, { ...rowOf(project, hook), failing_since: rowOf(project, hook).failing_since ?? at });
    },
    switch({ project, hook, off }: Omit<ChangeOf<'hook.switch'>, 'do'>): void {
      const key = keyOf(project, hook);
      if (off === null) rows.patch(key, { off_at: null, off_reason: null, failing_since: null });
      else rows.set(key, { ...rowOf(project, hook), off_at: off.at, off_reason: off.reason });
    },
    list: (project: string): HookRow[] =>
      where(rows.all(), (row) => row.project === project).sort((a, b) => byText(a.hook, b.hook)),
  };
}
