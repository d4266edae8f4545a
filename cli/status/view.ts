/** A status as lines: what needs a person comes first. Pure. */
import { spentText } from '../../machines/vocabulary/budget.ts';
import { landings, landingText } from '../../machines/vocabulary/landing.ts';
import { counted, shortList } from '../../machines/vocabulary/numbers.ts';
import { isJudged, judgedText } from '../../machines/vocabulary/run-state.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { duration, withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import { accountLines } from '../account-text.ts';
import { forgeLines } from '../forge-text.ts';
import { deadlineText } from '../instance/permission.ts';
import type { Paint } from '../output.ts';
import { pauseLines } from '../queue/part.ts';
import { cut, filledLines, padded, plain, projectFlag, widthOf, withProject } from '../text.ts';
import { budgetText, hasUsage, usageText } from '../usage-text.ts';
import type { Status } from './sort.ts';

/** The most names in a line. */
const namesShown = 3;

export interface Looking {
  /** Commands about other projects name theirs. */
  readonly implied: string | null;
  readonly nowMs: number;
  readonly paint: Paint;
}

export function statusLines(status: Status, looking: Looking): string[] {
  const { paint } = looking;
  const { needs_you: needs, running, waiting } = status;
  const parts = [
    ...section(
      paint('attention', `needs you (${needs.length})`),
      needs.flatMap((need) => needLines(need, looking)),
    ),
    ...section(
      `running (${running.length})`,
      running.flatMap((plan) => runningLines(plan, looking)),
    ),
    ...section(
      `waiting (${waiting.length})`,
      waiting.map(
        ({ project, plan, why, since }) =>
          `  ${project}/${plan}  ${plain(withProject(withLocalTimes(why, looking.nowMs), project, looking.implied))}${age(since, looking)}`,
      ),
    ),
  ];
  const paused = pauseLines(status.pauses).map((line) => paint('attention', line));
  const isQuiet = needs.length + running.length + waiting.length === 0;
  const forges = forgeLines(status.forges, looking.nowMs).map(({ isDown, text }) =>
    paint(isDown ? 'attention' : 'dim', text),
  );
  const accounts = status.accounts.map((account) =>
    paint(account.since === null ? 'dim' : 'attention', accountLines([account], looking.nowMs).join()),
  );
  const warnings = status.warnings.map((warning) =>
    paint('attention', `warning: ${plain(withLocalTimes(warning, looking.nowMs))}`),
  );
  return [
    ...(isQuiet ? ['nothing needs you, nothing runs, nothing waits'] : parts),
    restLine(status),
    ...moreNotMerged(status, paint),
    ...paused,
    ...forges,
    ...accounts,
    ...warnings,
  ];
}

function section(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [heading, ...lines, ''];
}

/** Each question begins on a line of its own. */
const betweenQuestions = /\n\n(?=question \d+(?:: | of ))/;
/** The most lines and columns of one question or reason. */
const reasonLines = 6;
const reasonColumns = 500;

/** The beginning of a reason, in its own lines. */
function shortLines(reason: string): string[] {
  const lines = filledLines(reason).slice(0, reasonLines);
  let left = reasonColumns;
  return lines.flatMap((line) => {
    const shown = cut(line, left);
    left -= widthOf(shown);
    return shown === '' ? [] : [shown];
  });
}

function needLines(need: Status['needs_you'][number], looking: Looking): string[] {
  const name = need.plan === null ? need.project : `${need.project}/${need.plan}`;
  const flag = need.plan === null ? '' : projectFlag(need.project, looking.implied);
  // An agent may have written the need of a plan, so that is left as it is.
  const why = need.plan === null ? withLocalTimes(need.why, looking.nowMs) : need.why;
  const [first = '', ...more] = why.split(betweenQuestions).flatMap(shortLines);
  const head = `  ${looking.paint('strong', name)}  ${first}${age(need.since, looking)}${deadline(need.until, looking)}`;
  const isWhole = need.plan === null || [first, ...more].join('\n') === filledLines(need.why).join('\n');
  const whole = isWhole ? [] : [`stator plan explain ${shellWord(need.plan ?? '')}`];
  return [
    head,
    ...more.map((line) => `    ${line}`),
    ...[...whole, ...need.do].map((command) => `    ${looking.paint('dim', `${command}${flag}`)}`),
  ];
}

function runningLines(plan: Status['running'][number], looking: Looking): string[] {
  const wave = plan.phase === 'wave_running' ? ` (wave ${plan.wave} of ${plan.waves})` : '';
  const tasks = plan.tasks === 0 ? '' : `, ${plan.tasks_done}/${counted(plan.tasks, 'task')}`;
  const budget = budgetText(plan.budget);
  const width = Math.max(0, ...plan.agents.map(({ title }) => widthOf(title)));
  return [
    `  ${plan.project}/${plan.plan}  ${plan.status}${wave}${tasks}${budget === '' ? '' : `, ${budget}`}`,
    ...retriedLines(plan, looking),
    ...plan.agents.map((agent) => {
      const { title, state, started_at: started, last_line: last } = agent;
      const elapsed = started === null ? '' : `  ${duration(looking.nowMs - Date.parse(started))}`;
      const text = isJudged(agent) ? judgedText : `${state}${elapsed}`;
      return `    ${padded(title, width)}  ${text}${last === null ? '' : `  ${looking.paint('dim', plain(last))}`}`;
    }),
  ];
}

function retriedLines({ project, retried }: Status['running'][number], looking: Looking): string[] {
  if (retried === null) return [];
  const why = withProject(withLocalTimes(retried.why, looking.nowMs), project, looking.implied);
  const text = `${plain(why)}${age(retried.since, looking)}`;
  return [`    ${looking.paint('attention', text)}`];
}

function age(since: string | null, { nowMs, paint }: Looking): string {
  return since === null ? '' : paint('dim', `  for ${duration(nowMs - Date.parse(since))}`);
}

function deadline(until: string | null, { nowMs, paint }: Looking): string {
  return until === null ? '' : paint('dim', `, ${deadlineText(until, nowMs)}`);
}

/** The counts of plans that are not listed above. */
function restLine(status: Status): string {
  const { counts, usage } = status;
  const rest = [
    counts.ready === 0 ? null : `${counts.ready} ready`,
    counts.done === 0 ? null : `${counts.done} done${notMergedText(status)}`,
    counts.cancelled === 0 ? null : `${counts.cancelled} cancelled`,
  ].filter((part) => part !== null);
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (all === 0) return 'no plans yet; stator run <plan.md> runs one';
  const took = hasUsage(usage) ? `; ${usageText(usage)}` : '';
  return `${counted(all, 'plan')}${rest.length === 0 ? '' : `: ${rest.join(', ')}`}${took}${tightestText(status)}`;
}

/** Done plans by their kind of landing. */
function byLanding({ not_merged: plans }: Status) {
  return landings.flatMap((landing) => {
    const names = plans.filter((each) => each.landing === landing).map(({ plan }) => plan);
    return names.length === 0 ? [] : [{ landing, names }];
  });
}

/** The command that lists the plans for which the line has no room. */
function moreNotMerged(status: Status, paint: Paint): string[] {
  const isWhole = byLanding(status).every(({ names }) => names.length <= namesShown);
  return isWhole ? [] : [paint('dim', 'all that are not merged: stator plan list --all --not-merged')];
}

/** ` (2 not merged: shop, port; 1 pull request open: cart)`. */
function notMergedText(status: Status): string {
  const parts = byLanding(status).map(
    ({ landing, names }) => `${names.length} ${landingText(landing, names.length)}: ${shortList(names, namesShown)}`,
  );
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}

/** `; 4.1 of 5 USD of the budget of shop`: the limit that is reached first. */
function tightestText({ budget }: Status): string {
  if (budget === null) return '';
  const whose = budget.scope === 'day' ? `the budget of ${budget.project} for today` : `the budget of ${budget.plan}`;
  return `; ${spentText(budget)} of ${whose}`;
}
