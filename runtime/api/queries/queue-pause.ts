/** The texts about pauses of the queue: what is paused, which agents wait, and the command that ends the pause. */
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { pauseOf } from '../../core/store/pause-scope.ts';
import type { PauseScope, QueueRow } from '../../core/store/rows.ts';
import type { PausedPart } from '../contract/runs.ts';
import { namedAgents } from './queue-places.ts';

/** A pause of a part, or of the whole queue. */
export type Pause = PauseScope | 'queue';

/** The widest pause that prevents an agent's start; null: none does. */
export function holderOf({ pausedAt, pauses }: QueueRow, agent: PauseScope): Pause | null {
  return pausedAt === null ? pauseOf(pauses, agent) : 'queue';
}

export function kindOf(pause: Pause): PausedPart {
  if (pause === 'queue') return 'queue';
  if (pause.title !== '') return 'agent';
  return pause.plan === '' ? 'repo' : 'plan';
}

/** The command that ends the pause. */
export function resumeCommand(pause: Pause): string {
  if (pause === 'queue') return 'stator queue resume';
  const { project, plan, title } = pause;
  const what = title !== '' ? `--agent ${shellWord(title)} ` : plan !== '' ? `--plan ${shellWord(plan)} ` : '';
  return `stator queue resume ${what}--project ${shellWord(project)}`;
}

/** `titles`: the agents that wait. */
export function pausedText(pause: Pause, titles: readonly string[]): string {
  return `${pausedWhat(pause)}, so ${waitText(titles)}; go on with: ${resumeCommand(pause)}`;
}

export function pausedWhat(pause: Pause): string {
  if (pause === 'queue') return 'the queue is paused';
  const { project, plan, title } = pause;
  if (title !== '') return `the queue is paused for agent ${title}`;
  return `the queue is paused for ${plan === '' ? `repo ${project}` : `plan ${project}/${plan}`}`;
}

function waitText(titles: readonly string[]): string {
  return `${shortList(titles, namedAgents)} ${titles.length === 1 ? 'waits' : 'wait'}`;
}
