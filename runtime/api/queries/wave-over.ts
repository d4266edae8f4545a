/** The text about a plan whose wave is over and waits for a person: the failed tasks with their reasons, and the commands that continue. */

import type { TaskFailure } from '../../../actors/plan-view.ts';
import { taskName } from '../../../machines/vocabulary/ids.ts';
import { logCommand, reasonText } from '../../../machines/vocabulary/reason-text.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { whyFailed } from '../../work/agents/reports/informative-lines.ts';
import type { PlanEntry } from '../contract/plans.ts';
import { waveOutput } from './failed-output.ts';

/** The number of tasks whose logs are named. */
const shownLogs = 3;
/** The most tasks that are described; the others are counted. */
const shownTasks = 5;
/** The first characters of a message about a task that never began, and the last ones: the reason and the remedy may be in either. */
const shownHead = 150;
const shownCharacters = 300;

/** Several lines. `failures` empty: the whole wave is done, and the next one waits for a confirmation. */
export function waveOverText(plan: string, wave: number, failures: readonly TaskFailure[]): string {
  const name = shellWord(plan);
  if (failures.length === 0)
    return [
      `wave ${wave} is done, and the next one waits for your confirmation`,
      `go on: stator plan advance ${name} advance-wave`,
      `give it up: stator plan cancel ${name}`,
    ].join('\n');
  const more = failures.length - shownTasks;
  return [
    `wave ${wave} is over, and ${failures.length} of its tasks ${failures.length === 1 ? 'is' : 'are'} not done`,
    ...failures
      .slice(0, shownTasks)
      .map((failure) => failureText(`${plan}-${taskName(wave, failure.number)}`, failure)),
    ...(more > 0 ? [`and ${more} more: stator plan show ${name}`] : []),
    `run again what is not done: stator plan advance ${name} retry-wave`,
    `go on without it: stator plan advance ${name} advance-wave`,
    `give it up: stator plan cancel ${name}`,
  ].join('\n');
}

/** The same on one line, and the commands, the most likely first. */
export function waveOverNeed(
  plan: string,
  wave: number,
  failures: readonly TaskFailure[],
): Pick<NonNullable<PlanEntry['need']>, 'why' | 'do' | 'output'> {
  const name = shellWord(plan);
  const goOn = `stator plan advance ${name} advance-wave`;
  if (failures.length === 0)
    return {
      why: `wave ${wave} of ${plan} is over, and the next one waits for your confirmation`,
      do: [goOn],
      output: [],
    };
  const more = failures.length - shownTasks;
  const which = failures
    .slice(0, shownTasks)
    .map((failure) => `task ${failure.number} (${[failure.title, ...shortly(failure)].join(': ')})`);
  const logs = failures
    .filter((failure) => !isNotBegun(failure))
    .slice(0, shownLogs)
    .map(({ number, reason }) => logCommand(`${plan}-${taskName(wave, number)}`, reason));
  return {
    why: `wave ${wave} of ${plan} failed: ${which.join(', ')}${more > 0 ? `, and ${more} more` : ''}`,
    do: [...logs, `stator plan advance ${name} retry-wave`, goOn],
    output: waveOutput(failures),
  };
}

/** Why it failed, and the failed program's message. */
function shortly(failure: TaskFailure): string[] {
  const { reason, detail } = failure;
  if (isNotBegun(failure)) return ['not begun'];
  if (reason === null) return [];
  const isStart = reason === 'start-failed';
  const [said = ''] = ((isStart ? detail : whyFailed(detail, reason)) ?? '').split('\n');
  if (said === '') return [reasonText(reason)];
  // git's message begins with the command, and ends with the cause.
  if (isStart) return [reasonText(reason), bothEnds(said, shownHead)];
  return [reasonText(reason), said.length <= shownHead ? said : `${said.slice(0, shownHead - 1)}…`];
}

function isNotBegun({ attempts, reason }: TaskFailure): boolean {
  return attempts === 0 && reason === null;
}

function failureText(title: string, failure: TaskFailure): string {
  const { number, title: what, attempts, reason, detail } = failure;
  if (isNotBegun(failure)) return `task ${number} (${what}): not begun`;
  const runs = attempts === 0 ? 'it never ran' : `${attempts} ${attempts === 1 ? 'run' : 'runs'}`;
  const why = reason === 'start-failed' ? bothEnds(detail.trim()) : whyFailed(detail, reason);
  const said = why === null || why === '' ? '' : `: ${why}`;
  return `task ${number} (${what}): ${reason === null ? 'not done' : reasonText(reason)} (${runs}; its log: ${logCommand(title, reason)})${said}`;
}

function bothEnds(text: string, tail = shownCharacters): string {
  if (text.length <= tail + shownHead) return text;
  return `${text.slice(0, shownHead).trim()} … ${text.slice(-tail).trim()}`;
}
