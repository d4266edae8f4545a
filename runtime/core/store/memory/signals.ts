/** The inbox in memory. Ids count on: the last row is never removed, and a commit that is lost gives none. */
import { parseTree, type TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import type { ChangeOf } from '../port.ts';
import type { NewSignal, Now, SignalFilter, SignalRow } from '../rows.ts';
import { createExpiry, nextNumber } from './expiry.ts';
import { byText, createTable, nextAbove, type Undo, where } from './table.ts';

/** Strangers' rows under one key of the engine that are stepped over. */
const keyCopies = 100;
/** The most rows that one list shows. */
const listLimit = 1_000;

/** A row that another program wrote by itself, past the engine. */
export interface ForeignSignal {
  readonly project: string;
  readonly plan?: string;
  readonly type: string;
  readonly payload?: string;
  readonly origin?: string;
  readonly dedupeKey?: string;
  readonly deliverAt?: number;
  /** What it says of itself and nobody believes. */
  readonly claims?: { readonly tree: string; readonly run: string };
  readonly at: number;
}

/** Whether a plan is there; whether a tree is, and has not ended before that time. */
interface Owners {
  readonly isThere: (project: string, plan: string) => boolean;
  readonly keepsJournal: (tree: TreeAddress, beforeMs: number) => boolean;
}

export function createSignals(undo: Undo, { isThere, keepsJournal }: Owners) {
  const rows = createTable<number, SignalRow>(undo);
  const idsByKey = createTable<string, number>(undo);

  function add(row: Omit<SignalRow, 'id' | 'status' | 'attempts' | 'result' | 'processed_at'>): number {
    const id = nextNumber(
      where(rows.all(), () => true)
        .slice(-1)
        .map((last) => last.id),
    );
    rows.set(id, { ...row, id, status: 'pending', attempts: 0, result: null, processed_at: null });
    if (row.dedupe_key !== null) idsByKey.set(row.dedupe_key, id);
    return id;
  }

  /** The row has a status that allows the change. */
  function patchWhere(id: number, statuses: readonly SignalRow['status'][], fields: Partial<SignalRow>): boolean {
    const row = rows.get(id);
    if (row === undefined || !statuses.includes(row.status)) return false;
    rows.patch(id, fields);
    return true;
  }

  function ofTree(tree: TreeAddress, statuses: readonly SignalRow['status'][]): SignalRow[] {
    return where(rows.all(), (row) => row.tree === tree && statuses.includes(row.status));
  }

  /** Of the engine's own rows the time is the store's, of other programs' the wall clock's. */
  function nowFor(row: SignalRow, { keptMs, wallMs }: Now): number {
    return row.is_checked === 1 ? keptMs : wallMs;
  }

  function isDue(row: SignalRow, now: Now): boolean {
    return row.status === 'pending' && row.deliver_at <= nowFor(row, now);
  }

  return {
    insert({ tree, type, payload, origin, run = null, dedupeKey = null, deliverAt = 0, at }: NewSignal): {
      id: number;
      isNew: boolean;
    } {
      const parsed = parseTree(tree);
      const row = {
        project: 'project' in parsed ? parsed.project : '',
        plan: 'plan' in parsed ? parsed.plan : '',
        type,
        payload: JSON.stringify(payload),
        origin,
        created_at: at,
        deliver_at: deliverAt,
        tree,
        run,
        is_checked: 1,
      } as const;
      for (let copy = 1; copy <= keyCopies; copy += 1) {
        const key = dedupeKey === null || copy === 1 ? dedupeKey : `${dedupeKey}~${copy}`;
        const first = key === null ? undefined : rows.get(idsByKey.get(key) ?? 0);
        if (first === undefined) return { id: add({ ...row, dedupe_key: key }), isNew: true };
        const isOwn = first.origin === 'engine' && first.is_checked === 1;
        if (isOwn || origin !== 'engine') return { id: first.id, isNew: false };
      }
      throw new Error(`signal ${type} for ${tree} was neither inserted nor there before`);
    },
    insertForeign({ project, plan = '', type, payload = '{}', ...rest }: ForeignSignal): number {
      const { dedupeKey = null, deliverAt = 0, at } = rest;
      const origin = rest.origin === 'file' ? 'file' : 'person';
      if (dedupeKey !== null && idsByKey.get(dedupeKey) !== undefined) throw new Error(`${dedupeKey} is taken`);
      const times = { created_at: at, deliver_at: deliverAt };
      const nobody = { dedupe_key: dedupeKey, tree: null, run: null, is_checked: 0 } as const;
      return add({ project, plan, type, payload, origin, ...times, ...nobody });
    },
    finish: ({ id, status, result, at }: Omit<ChangeOf<'signal.finish'>, 'do'>): boolean =>
      patchWhere(id, ['pending', 'held'], {
        status,
        result: JSON.stringify(result),
        processed_at: at,
        attempts: (rows.get(id)?.attempts ?? 0) + 1,
      }),
    hold: ({ id, tree }: Omit<ChangeOf<'signal.hold'>, 'do'>): boolean =>
      patchWhere(id, ['pending'], { status: 'held', tree }),
    release(tree: TreeAddress): void {
      for (const { id } of ofTree(tree, ['held'])) rows.patch(id, { status: 'pending' });
    },
    countAttempt: (id: number): void => rows.patch(id, { attempts: (rows.get(id)?.attempts ?? 0) + 1 }),
    setAside: ({ id, result, at }: Omit<ChangeOf<'signal.set-aside'>, 'do'>): boolean =>
      patchWhere(id, ['pending'], { status: 'failed', result: JSON.stringify(result), processed_at: at }),
    revive: (id: number): boolean =>
      patchWhere(id, ['failed'], { status: 'pending', attempts: 0, result: null, processed_at: null }),
    voidTree(tree: TreeAddress, at: number): void {
      for (const { id } of ofTree(tree, ['pending', 'held']))
        rows.patch(id, { status: 'done', result: '"stale"', processed_at: at });
    },

    expiry: createExpiry<SignalRow>({
      all: () => where(rows.all(), () => true).map((row) => ({ number: row.id, row })),
      goes: ({ status, origin, project, plan, tree, processed_at: at }, beforeMs, isLast) =>
        !isLast &&
        (status === 'done' || status === 'failed') &&
        at !== null &&
        at < beforeMs &&
        !(
          status === 'failed' &&
          origin === 'engine' &&
          (isThere(project, plan) || (tree !== null && keepsJournal(tree as TreeAddress, beforeMs))) // what is no address is of no tree
        ),
      drop({ id, dedupe_key: key }) {
        rows.remove(id);
        if (key !== null) idsByKey.remove(key);
      },
    }),
    read: (id: number): SignalRow | null => rows.get(id) ?? null,
    list: ({ project, plan, tree, status, limit = listLimit }: SignalFilter): SignalRow[] =>
      where(
        rows.all(),
        (row) =>
          (project === undefined || row.project === project) &&
          (plan === undefined || row.plan === plan) &&
          (tree === undefined || row.tree === tree) &&
          (status === undefined || row.status === status),
      )
        .reverse()
        .slice(0, Math.min(limit, listLimit)),
    /** The projects in turn, each project's in the order of their ids. */
    claim(now: Now, limit: number): SignalRow[] {
      const projects = new Map<string, SignalRow[]>();
      for (const row of rows.all()) {
        if (!isDue(row, now)) continue;
        const due = projects.get(row.project) ?? [];
        projects.set(row.project, due);
        if (due.length < limit) due.push(row);
      }
      const lists = [...projects].sort(([a], [b]) => byText(a, b)).map(([, due]) => due);
      const claimed: SignalRow[] = [];
      for (let turn = 0; claimed.length < limit && lists.some((due) => due.length > turn); turn += 1)
        claimed.push(...lists.flatMap((due) => due[turn] ?? []));
      return claimed.slice(0, limit);
    },
    claimOf: (project: string, now: Now, limit: number): SignalRow[] =>
      where(rows.all(), (row) => row.project === project && isDue(row, now)).slice(0, limit),
    nextDueIn(now: Now): number | null {
      const waits = where(rows.all(), ({ status }) => status === 'pending').map(
        (row) => row.deliver_at - nowFor(row, now),
      );
      return nextAbove(waits, 0);
    },
    allSetAside: (tree: TreeAddress, from: number): number[] =>
      ofTree(tree, ['failed'])
        .filter(({ id, origin, result }) => id >= from && origin === 'engine' && codeOf(result) === 'internal')
        .map(({ id }) => id),
    births: (project: string): { plan: string; branch: string }[] =>
      where(
        rows.all(),
        (row) =>
          row.status === 'pending' && row.project === project && row.type === 'plan_opened' && row.is_checked === 1,
      ).map(({ plan, payload }) => ({ plan, branch: JSON.parse(payload).branch ?? null })),
  };
}

/** The code of a result that says what went wrong. */
function codeOf(result: string | null): unknown {
  const parsed: unknown = JSON.parse(result ?? 'null');
  return typeof parsed === 'object' && parsed !== null && 'code' in parsed ? parsed.code : null;
}
