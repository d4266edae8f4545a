/** Decides who acts next in a plan: a person, its agents, or no one. Status, board, page and `run` all show this answer. */

import { failuresOf, type Need } from '../../../actors/plan-view.ts';
import { waysOn } from '../../../machines/plan/advice.ts';
import { onOneLine } from '../../../machines/vocabulary/errors.ts';
import { isUnderWay } from '../../../machines/vocabulary/plan-status.ts';
import { isLive } from '../../../machines/vocabulary/run-state.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { PlanRow, RunRow } from '../../core/store/rows.ts';
import type { PlanEntry } from '../contract/plans.ts';
import type { Waiting } from '../contract/shared-shapes.ts';
import { blockOutput } from './failed-output.ts';
import { isAtWork, type RunPlaces } from './run-process.ts';
import { waitOfRun } from './runs.ts';
import { timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';
import { soundPlan } from './waiting.ts';
import { waveOverNeed } from './wave-over.ts';

/** A list shows only the beginning of an agent's permission request; the agent's own entry shows all of it. */
const detailCharacters = 300;

/** Blocks whose reason ends with the output of what failed. */
const failedSources: ReadonlySet<string> = new Set(['failed', 'no_verdict']);

export interface TurnLook {
  readonly blocked: Need | null;
  readonly waiting: Waiting | null;
  /** The newest run of each agent of the plan; those that are over may be left out. */
  readonly runs: readonly RunRow[];
}

export async function turnOf(
  parts: Pick<ViewDependencies, 'cache'> & RunPlaces,
  row: PlanRow,
  look: TurnLook,
): Promise<Pick<PlanEntry, 'turn' | 'need'>> {
  const need = await needOf(parts, row, look);
  if (need !== null) return { turn: 'person', need };
  if (!isUnderWay(row.status)) return { turn: 'nobody', need };
  const areAtWork = look.waiting === null || look.runs.some((run) => isAtWork(parts, run));
  return { turn: areAtWork ? 'agents' : 'waiting', need };
}

/** Why a person is needed, even while other agents of the plan still work. */
async function needOf(
  parts: Pick<ViewDependencies, 'cache'>,
  row: PlanRow,
  { blocked, waiting, runs }: TurnLook,
): Promise<PlanEntry['need']> {
  if (blocked !== null) {
    const { source, reason, at } = blocked;
    const ways = waysOn({ ...row, source, questions: row.blocked?.questions ?? [] });
    const output = failedSources.has(source) ? blockOutput(blocked) : [];
    return { source, why: reason, since: timeText(at), until: null, do: ways.map(({ command }) => command), output };
  }
  if (waiting?.kind === 'wave_confirmation') {
    const tree = await soundPlan(parts.cache, row);
    const failures = tree === null ? [] : failuresOf(tree);
    const since = waiting.since ?? timeText(row.updatedAt);
    return { source: 'wave', since, until: null, ...waveOverNeed(row.plan, row.wave, failures) };
  }
  return permissionNeed(parts, runs);
}

/** The question with the earliest deadline. */
async function permissionNeed(
  parts: Pick<ViewDependencies, 'cache'>,
  runs: readonly RunRow[],
): Promise<PlanEntry['need']> {
  const waiting = runs.filter((run) => isLive(run) && (run.state === 'waiting' || run.state === 'paused'));
  const asking = await Promise.all(
    waiting.map(async (run) => ({ run, permissions: (await waitOfRun(parts, run)).permissions })),
  );
  const [first] = asking
    .flatMap(({ run: { title }, permissions }) => permissions.map((question) => ({ title, question })))
    .sort((a, b) => a.question.until.localeCompare(b.question.until));
  if (first !== undefined) {
    const { title, question } = first;
    const { id, tool, detail, asked_at: since, until } = question;
    const name = shellWord(title);
    return {
      source: 'permission',
      why: `${title} asks whether it may use ${tool}: ${onOneLine(detail).slice(0, detailCharacters)}`,
      since,
      until,
      do: [
        `stator agent allow ${name} --question ${id}`,
        `stator agent deny ${name} --question ${id}`,
        `stator agent show ${name}`,
      ],
      output: [],
    };
  }
  // stator cannot answer this program's kind of question.
  const nameless = waiting.find(({ state }) => state === 'waiting');
  if (nameless === undefined) return null;
  return {
    source: 'permission',
    why: `${nameless.title} waits for a permission`,
    since: timeText(nameless.started_at ?? nameless.queued_at),
    until: null,
    do: [`stator agent show ${shellWord(nameless.title)}`],
    output: [],
  };
}
