/**
 * The state of each repo's forge at its last request, stored in the store. People, hooks and pages are notified once when the forge cannot be used any more,
 * and once when it answers again.
 */
import { EngineError, messageOf, onOneLine } from '../../../machines/vocabulary/errors.ts';
import type { HookEvent } from '../../../machines/vocabulary/hook-event.ts';
import type { Clock } from '../../base/platform/clock.ts';
import { hookRows } from '../../core/store/hook-rows.ts';
import type { Change, Store } from '../../core/store/port.ts';
import type { ForgeRow } from '../../core/store/rows.ts';
import type { Projects } from '../repos/registry.ts';
import type { Server } from './forge.ts';

interface ForgeStateParts {
  readonly store: Pick<Store, 'commit' | 'forges'>;
  readonly projects: Pick<Projects, 'hooksOf'>;
  readonly clock: Clock;
  /** Whether this process still owns the home: checked before it writes. */
  isOwner(): boolean;
  /** Called when hooks must be notified. */
  onEffects(): void;
}

/** One request to a project's forge. */
export interface ForgeAsked {
  readonly project: string;
  readonly server: Pick<Server, 'name' | 'url'>;
  /** The plan that needed the request. */
  readonly plan: string;
}

export interface ForgeStates {
  answered(asked: ForgeAsked): Promise<void>;
  /** Records the request's error; errors that do not concern the whole forge are ignored. */
  failed(asked: ForgeAsked, thrown: unknown): Promise<void>;
  /** The plans of a project that wait for its forge now. */
  waiting(project: string, plans: readonly string[]): Promise<void>;
  /** The repo has no forge any more: nothing is known of one, and nothing waits for it. */
  left(project: string): Promise<void>;
  /** null: it answers, or was never asked. */
  down(project: string): Promise<ForgeRow | null>;
}

/** Errors that remain until a person changes something. */
const untilChanged: ReadonlySet<string> = new Set(['forge_denied', 'no_token', 'agent_unusable', 'bad_config']);
/** The number of failed requests in a row after which the forge counts as down: one broken connection is no outage. */
const silentTries = 3;
const reasonLimit = 500;
/** The most plans that a row names. */
const planLimit = 100;

export function isUntilChanged({ code }: Pick<ForgeRow, 'code'>): boolean {
  return code !== null && untilChanged.has(code);
}

export function createForgeStates({ store, projects, clock, isOwner, onEffects }: ForgeStateParts): ForgeStates {
  let rows: Map<string, ForgeRow> | null = null;
  const silent = new Map<string, number>();
  const waits = new Map<string, readonly string[]>();

  async function known(): Promise<Map<string, ForgeRow>> {
    rows ??= new Map((await store.forges()).map((row) => [row.project, row]));
    return rows;
  }

  async function note(row: ForgeRow, more: readonly Change[] = []): Promise<void> {
    if (!isOwner()) return;
    await store.commit([{ do: 'forge.note', ...row }, ...more]);
    (await known()).set(row.project, row);
    if (more.length > 0) onEffects();
  }

  function hookChanges(event: HookEvent, row: ForgeRow, at: number): Change[] {
    const { project, server, url, code, reason, plans } = row;
    const details = {
      forge: server,
      forge_url: url,
      forge_code: code,
      reason,
      waiting_plans: plans.join(' '),
      message: event === 'forge_down' ? downText(row) : `the forge ${server} answers again`,
    };
    return hookRows({ project, plan: null }, [{ event, from: null, to: null, details }], {
      hooks: projects.hooksOf(project),
      at,
    });
  }

  return {
    async answered({ project, server: { name, url } }) {
      silent.delete(project);
      const before = (await known()).get(project);
      if (before?.code === null && before.server === name && before.url === url) return;
      const at = clock.nowMs();
      const row = { project, server: name, url, code: null, reason: null, hint: null, since: at, plans: [] };
      await note(row, before === undefined || before.code === null ? [] : hookChanges('forge_up', row, at));
    },
    async failed({ project, server, plan }, thrown) {
      if (!(thrown instanceof EngineError)) return;
      const count = thrown.code === 'forge_unreachable' ? (silent.get(project) ?? 0) + 1 : 0;
      silent.set(project, count);
      if (!untilChanged.has(thrown.code) && count < silentTries) return;
      const all = await known();
      const before = all.get(project);
      const isDown = before !== undefined && before.code !== null && before.server === server.name;
      const at = clock.nowMs();
      const row: ForgeRow = {
        project,
        server: server.name,
        url: server.url,
        code: thrown.code,
        reason: onOneLine(messageOf(thrown)).slice(0, reasonLimit),
        hint: onOneLine(thrown.hint).slice(0, reasonLimit),
        since: isDown ? before.since : at,
        plans: [...new Set([...(isDown ? before.plans : []), ...(waits.get(project) ?? []), plan])].slice(0, planLimit),
      };
      if (isDown && before.reason === row.reason && before.plans.length === row.plans.length) return;
      // A forge of several repos is reported once to people, but to the hooks of each repo.
      const isKnown = [...all.values()].some(({ server: name, code }) => code !== null && name === server.name);
      const message = downText(row).slice(0, 1_000);
      await note(row, [
        ...(isKnown
          ? []
          : [{ do: 'notification.insert', type: 'forge_down', project, plan: '', message, at } as const]),
        ...(isDown ? [] : hookChanges('forge_down', row, at)),
      ]);
    },
    async waiting(project, plans) {
      waits.set(project, plans.slice(0, planLimit));
      const row = (await known()).get(project);
      if (row === undefined || row.code === null || row.plans.join() === plans.slice(0, planLimit).join()) return;
      await note({ ...row, plans: plans.slice(0, planLimit) });
    },
    async left(project) {
      silent.delete(project);
      if (!isOwner() || !(await known()).delete(project)) return;
      await store.commit([{ do: 'forge.forget', project }]);
    },
    async down(project) {
      const row = (await known()).get(project);
      return row === undefined || row.code === null ? null : row;
    },
  };
}

function downText({ server, code, reason, hint, plans }: ForgeRow): string {
  const what = code === 'forge_unreachable' ? 'does not answer' : 'takes nothing from here';
  const waits = plans.length === 0 ? '' : `; waiting for it: ${plans.join(', ')}`;
  return `the forge ${server} ${what}: ${reason}; ${hint}${waits}`;
}
