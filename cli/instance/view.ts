/** Text about agents, for lists and for a single agent. Pure. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { reasonText } from '../../machines/vocabulary/reason-text.ts';
import { isJudged, judgedText, processStates } from '../../machines/vocabulary/run-state.ts';
import { duration, localTime, untilText } from '../../machines/vocabulary/time-text.ts';
import type { InstanceEntry } from '../../runtime/api/client/client.ts';
import { didYouMeanOr } from '../../runtime/base/config/nearest.ts';
import { type Cell, fields, type Paint, type Tone } from '../output.ts';
import { plain } from '../text.ts';
import { hasUsage, usageText } from '../usage-text.ts';

/** `withUsage`: at least one agent reports its usage. */
export function instanceHeadings(withUsage: boolean): string[] {
  return ['title', 'role', 'state', 'attempt', 'time', ...(withUsage ? ['took'] : []), 'last line'];
}

function stateTone(state: InstanceEntry['state']): Tone {
  if (state === 'failed') return 'bad';
  if (state === 'succeeded') return 'good';
  if (state === 'waiting' || state === 'backing_off') return 'attention';
  return state === 'running' ? 'busy' : 'plain';
}

/** The stored state of an agent that ended while no engine ran is that of its life. */
function stateText(entry: InstanceEntry): string {
  if (isJudged(entry)) return judgedText;
  const { state, live, started_at: startedAt } = entry;
  const text = state.replaceAll('_', ' ');
  if (live || !processStates.has(state)) return text;
  return startedAt === null ? `${text}, but no process is there` : `${text}, but its process has ended`;
}

export function instanceRow(entry: InstanceEntry, { nowMs, withUsage }: { nowMs: number; withUsage: boolean }): Cell[] {
  const why = entry.reason === null ? '' : `: ${reasonText(entry.reason)}`;
  const since = entry.live && !isJudged(entry) ? entry.started_at : null;
  const time = since === null ? '' : duration(nowMs - Date.parse(since));
  return [
    entry.title,
    entry.role,
    { text: `${stateText(entry)}${why}`, tone: stateTone(entry.state) },
    String(entry.attempt),
    time,
    ...(withUsage ? [hasUsage(entry.usage) ? usageText(entry.usage) : ''] : []),
    entry.last_line ?? '',
  ];
}

export function instanceLines(entry: InstanceEntry, paint: Paint, nowMs: number): string[] {
  const timeOf = (time: string | null) => (time === null ? null : localTime(time, nowMs));
  return fields(
    [
      ['title', entry.title],
      ['plan', `${entry.project}/${entry.plan}`],
      ['role', entry.role],
      ['state', `${stateText(entry)}${entry.reason === null ? '' : `: ${reasonText(entry.reason)}`}`],
      ['attempt', String(entry.attempt)],
      ['run', entry.run],
      ['pid', entry.pid === null ? null : String(entry.pid)],
      ['took', hasUsage(entry.usage) ? usageText(entry.usage) : null],
      ['exit code', exitText(entry)],
      ['branch', entry.branch],
      ['worktree', entry.worktree],
      ['started', timeOf(entry.started_at)],
      ['last activity', timeOf(entry.last_activity_at)],
      ['log', entry.log],
      ...entry.permissions.map(({ id, tool, detail, until }): [string, string] => [
        `asks (${id})`,
        `${tool}, ${untilText(until, nowMs)}: ${plain(detail)}`,
      ]),
      ['work', entry.work === null || entry.work.text === '' ? null : entry.work.text],
      ['uses', entry.live && entry.work?.tool != null ? plain(entry.work.tool) : null],
      ...(entry.work?.plan ?? []).map(({ text, state }, index): [string, string] => [
        index === 0 ? 'its plan' : '',
        plain(`${state.replaceAll('_', ' ')}: ${text}`),
      ]),
      ['last line', entry.last_line === null ? null : plain(entry.last_line)],
    ],
    paint,
  );
}

function exitText({ exit_code: code, exit_note: note }: InstanceEntry): string | null {
  if (code === null) return null;
  return note === null ? String(code) : `${code}: ${note}`;
}

/** The agent with that title. Throws `not_found` with the nearest title, or with the existing titles. */
export function findInstance(entries: readonly InstanceEntry[], title: string): InstanceEntry {
  const found = entries.find((entry) => entry.title === title);
  if (found !== undefined) return found;
  throw new EngineError('not_found', `no agent is called ${title}`, nearTitles(entries, title));
}

function nearTitles(entries: readonly InstanceEntry[], title: string): string {
  const titles = entries.map((entry) => entry.title);
  if (titles.length === 0) return 'there are none: stator agent list';
  const shown = titles.slice(0, 10).join(', ');
  const list = `there ${titles.length > 10 ? `are ${titles.length}, the last ones` : 'are'}: ${shown}`;
  return didYouMeanOr(title, titles, list);
}
