/** Text about plans: in a list, alone, and why a plan waits. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { personName, taskName } from '../../machines/vocabulary/ids.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { taskAgentText } from '../../machines/vocabulary/task-agent.ts';
import { clockTime, withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { Explanation, PlanEntry, PlanShow } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { formerRepoText } from '../former-repo.ts';
import type { View } from '../operation-verb.ts';
import { fields, tableWidth } from '../output.ts';
import { impliedProject } from '../place.ts';
import { plainLines, projectFlag, withProject } from '../text.ts';
import { draftNamed } from './choose.ts';
import { baseText, linesBeside, planHeadings, planLines, planRow, type Showing, stackLines, wayLines } from './view.ts';

export const plansView: View<PlanEntry[]> = async ({ client, call, asked, flags, answer: every }) => {
  const { status } = flags;
  const notMerged = flags['not-merged'] === true;
  const isOfAll = asked.project === undefined;
  const former = every.length > 0 || isOfAll ? null : await formerRepoText(call, client);
  const plans = every.filter(
    (plan) => (!notMerged || isNotMerged(plan)) && (status === undefined || plan.status === status),
  );
  const isEmptied = every.length > 0;
  return {
    print({ out }) {
      if (former !== null) out.note(former);
      const about = { nowMs: Date.now(), implied: impliedProject(call), isOfAll };
      out.list(plans, {
        headings: isOfAll ? ['project', ...planHeadings] : planHeadings,
        row: (plan) => planRow(plan, about),
        empty:
          notMerged && isEmptied
            ? 'every plan that is done is merged'
            : status !== undefined && isEmptied
              ? `no plan is ${status}`
              : 'no plans; stator plan register <file> takes one',
      });
      return 0;
    },
  };
};

/** Whether a done plan was merged neither here nor by its forge. */
function isNotMerged({ landing }: PlanEntry): boolean {
  return landing === 'not_merged' || landing === 'pull_request_open';
}

export const planView: View<PlanShow> = ({ call, flags: { content, draft } }) => ({
  print({ out }, shown) {
    const text = typeof draft === 'string' ? draftText(shown, draft) : content === true ? shown.content : null;
    if (text !== null && !out.json) out.stdout.write(out.stdout.isTTY === true ? plainLines(text) : text);
    else out.answer(shown, () => planLines(shown, showingOf(call, Date.now())));
    return 0;
  },
});

export function showingOf(call: Call, nowMs: number): Showing {
  const { out } = call;
  return { width: tableWidth(out), nowMs, paint: out.paint, implied: impliedProject(call) };
}

/** Throws `bad_request` if there is no such draft, or if it is empty. */
function draftText(shown: PlanShow, said: string): string {
  const { number, state, why, content } = draftNamed(shown, said);
  if (content !== null) return content;
  const hint = `see the plan: stator plan show ${shellWord(shown.plan)}`;
  throw new EngineError('bad_request', `draft ${number} has no text (${state})${why === '' ? '' : `: ${why}`}`, hint);
}

export const explanationView: View<Explanation> = async ({ call, client, asked }) => {
  // The repo's folder may have another name than the project.
  const shown = await client.plan(String(asked.project), String(asked.plan));
  const flag = projectFlag(shown.project, impliedProject(call));
  const ways = new Set(wayLines(shown));
  const addressed = (line: string) =>
    ways.has(line) ? `${line}${flag}` : withProject(line, shown.project, impliedProject(call));
  return {
    lines(explained, out) {
      const { waiting_for: waiting, refused_last: refused, accepts } = explained;
      const since = waiting?.since ? `, since ${clockTime(waiting.since)}` : '';
      const guard = refused?.refused?.guard ? `: ${refused.refused.guard}` : '';
      return fields(
        [
          ['plan', `${shown.project}/${explained.plan}`],
          ['status', explained.status],
          ...linesBeside(
            'waits for',
            waiting === null
              ? ['nothing']
              : [
                  `${waiting.kind.replaceAll('_', ' ')}${since}`,
                  ...withLocalTimes(waiting.detail, Date.now()).split('\n').map(addressed),
                ],
          ),
          ...stackLines(shown),
          ...linesBeside('agents', agentLines(shown)),
          ['base', baseText(explained)],
          ...linesBeside('repo', explained.repo_troubles),
          ...linesBeside('engine', explained.engine_troubles),
          ['would take', accepts.join(', ')],
          [
            'refused last',
            refused === null
              ? null
              : `${refused.event} from ${personName(refused.origin) ?? refused.origin}, ${clockTime(refused.at)}${guard}`,
          ],
        ],
        out.paint,
      );
    },
  };
};

/** The open tasks that another agent than the coder does. */
function agentLines({ tasks_by_wave: waves }: PlanShow): string[] {
  const lines = waves.flatMap(({ number, tasks }) =>
    tasks.flatMap(({ number: task, status, agent, agent_by: by }) =>
      agent === undefined || by === undefined || status === 'done'
        ? []
        : [`${taskName(number, task)}: ${taskAgentText({ agent, by })}`],
    ),
  );
  const more = lines.length > shownAgents ? [`and ${lines.length - shownAgents} more tasks`] : [];
  return [...lines.slice(0, shownAgents), ...more];
}

const shownAgents = 10;
