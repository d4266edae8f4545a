/** `stator report`: the work since a given time, in all repos. */

import { actText } from '../machines/vocabulary/act-text.ts';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { personName } from '../machines/vocabulary/ids.ts';
import { landingText } from '../machines/vocabulary/landing.ts';
import { counted, sumOfKnown } from '../machines/vocabulary/numbers.ts';
import { reasonText } from '../machines/vocabulary/reason-text.ts';
import { isFailure } from '../machines/vocabulary/run-state.ts';
import { clockTime, localTime, timeOfDayMs } from '../machines/vocabulary/time-text.ts';
import type { WorkEntry } from '../runtime/api/contract/work.ts';
import { durationMs } from '../runtime/base/config/duration.ts';
import { type Call, defineVerb } from './command.ts';
import { withClient } from './session.ts';
import { cut, plain } from './text.ts';
import { money } from './usage-text.ts';

const dayMs = 86_400_000;
const longestMs = 31 * dayMs;

export default defineVerb({
  summary: 'Show what was done since a time: plans, runs, failures, cost, who did what. Over all repos, or --project.',
  args: {
    since: {
      type: 'string',
      valueHint: 'when',
      description: '8h, 22:00 (of today or yesterday), or 2026-11-26T22:00; default: 24h',
    },
  },
  examples: ['stator report --since 22:00', "stator report --since 8h --json | jq '.plans[].status'"],
  more: 'Plans are shown as they are now. At most 31 days. Without an engine it reads the store.',
  async run({ since }, call) {
    const nowMs = Date.now();
    const asked = { from: new Date(startOf(since, nowMs)).toISOString(), to: new Date(nowMs).toISOString() };
    const work = ofProject(await withClient(call, 'read', (client) => client.work(asked)), call.project);
    call.out.answer(work, () => reportLines(work, call, nowMs));
  },
});

/** In milliseconds. Throws `usage`. */
function startOf(text: string | undefined, nowMs: number): number {
  const fromMs = text === undefined ? nowMs - dayMs : (timeOfDayMs(text, nowMs) ?? momentMs(text, nowMs));
  if (fromMs !== null && fromMs < nowMs && nowMs - fromMs <= longestMs) return fromMs;
  const found = fromMs === null ? '' : fromMs >= nowMs ? ', which is not over yet' : ', which is more than 31 days ago';
  throw new EngineError(
    'usage',
    `--since is "${text}"${found}`,
    'give a duration such as 8h or 2d, a time such as 22:00, or a date with one such as 2026-11-26T22:00',
  );
}

function momentMs(text: string, nowMs: number): number | null {
  const agoMs = durationMs(text);
  if (agoMs !== null) return nowMs - agoMs;
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

function ofProject(work: WorkEntry, project: string | undefined): WorkEntry {
  if (project === undefined) return work;
  const own = <T extends { project: string }>(all: readonly T[]) => all.filter((each) => each.project === project);
  return { ...work, runs: own(work.runs), plans: own(work.plans), acts: own(work.acts) };
}

function reportLines(work: WorkEntry, { out }: Call, nowMs: number): string[] {
  const { plans, runs, acts } = work;
  const failures = runs.filter(isFailure);
  const cost = sumOfKnown(runs.map(({ cost_usd }) => cost_usd));
  const whole = [
    counted(plans.length, 'plan'),
    counted(runs.length, 'run'),
    counted(failures.length, 'failure'),
    ...(cost === null ? [] : [money(cost)]),
  ];
  const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines]);
  const name = ({ project, plan }: { project: string; plan: string }) =>
    plain(plan === '' ? project : `${project}/${plan}`);
  return [
    `since ${localTime(work.from, nowMs)}: ${whole.join(', ')}`,
    ...(work.is_cut ? ['more was done: earlier runs or acts are neither listed nor counted'] : []),
    ...section(
      'needs you:',
      plans.flatMap((plan) => (plan.need === null ? [] : [`  ${name(plan)}: ${cut(plain(plan.need), 160)}`])),
    ),
    ...section(
      'plans:',
      plans.length === 0
        ? []
        : out.table(
            ['plan', 'now', 'runs', 'failed', 'cost', 'by'],
            plans.map((plan) => [
              name(plan),
              plan.landing === null ? plan.status : `${plan.status}, ${landingText(plan.landing)}`,
              String(plan.runs),
              plan.failures === 0 ? '' : String(plan.failures),
              plan.cost_usd === null ? '' : money(plan.cost_usd),
              plan.author === null ? '' : whoText(plan.author),
            ]),
            '',
          ),
    ),
    ...section(
      'what failed:',
      failures.map(
        ({ ended_at: at, project, title, reason, why }) =>
          `  ${clockTime(at)} ${plain(`${project}/${title}`)}: ${reason === null ? 'failed' : reasonText(reason)}${why === null ? '' : `, ${cut(plain(why), 120)}`}`,
      ),
    ),
    ...section(
      'who did what:',
      acts
        .toReversed()
        .map(
          (act) =>
            `  ${clockTime(act.at)} ${whoText(act.by)}: ${plain(actText(act.type))}${act.status === 'failed' ? ' (refused)' : ''}, ${act.tree === null ? name(act) : plain(act.tree.replace(':', ' '))}`,
        ),
    ),
  ];
}

/** `anna` for `person:anna`. For the owner of the home it is the reader. */
function whoText(origin: string): string {
  return origin === 'person' ? 'you' : plain(personName(origin) ?? origin);
}
