/** A simulation as lines: the assumptions, a timeline, and the result. */
import { counted, shortList } from '../../machines/vocabulary/numbers.ts';
import { duration } from '../../machines/vocabulary/time-text.ts';
import type { Simulation } from '../../runtime/engine/simulate.ts';
import type { SimulationTogether } from '../../runtime/engine/simulate-together.ts';
import { type Output, sizeOf } from '../output.ts';
import { cut, padded, plain } from '../text.ts';

/** The most agents that are drawn one by one; the rest is counted. */
const shownAgents = 60;
const barLeast = 10;
const pipeColumns = 100;
const nameMost = 16;

export function simulationLines(simulation: Simulation, out: Pick<Output, 'stdout' | 'paint'>): string[] {
  return [...timeline(simulation, out), ...result(simulation, out)];
}

/** For several plans: when each one is done, and when it is merged. */
export function togetherLines(simulation: SimulationTogether, { paint }: Pick<Output, 'paint'>): string[] {
  const { plans, duration_ms: ms, agents, peak_agents: peak, check_ms: check, cost_usd: cost } = simulation;
  const columns = Math.min(nameMost, Math.max(...plans.map(({ plan }) => plan.length), 4));
  const time = (at: number | null) => (at === null ? '-' : duration(at)).padStart(9);
  const price = cost === null ? '' : `, about $${cost.toFixed(2)}`;
  const checked = check === null ? 'no [landing] check' : `[landing] check ${duration(check)}`;
  return [
    paint('dim', `${padded('plan', columns)}  ${'done'.padStart(9)}  ${'landed'.padStart(9)}`),
    ...plans.map(({ plan, done_ms: done, landed_ms: landed, blocked }) => {
      const why = blocked === null ? '' : `  ${paint('bad', `blocked: ${plain(blocked)}`)}`;
      return `${padded(cut(plan, columns), columns)}  ${time(done)}  ${time(landed)}${why}`;
    }),
    '',
    `all of it takes ${duration(ms)}, with at most ${counted(peak, 'agent')} at a time of ${agents} allowed${price}`,
    paint('dim', checked),
  ];
}

function timeline(
  { order, duration_ms: whole, not_reached: rest }: Simulation,
  { stdout, paint }: Pick<Output, 'stdout' | 'paint'>,
): string[] {
  const shown = order.slice(0, shownAgents);
  const nameColumns = Math.min(nameMost, Math.max(...shown.map(({ task }) => task.length), 4));
  const ends = shown.map(({ start_ms: start, end_ms: end, attempts, outcome }) => {
    const tries = attempts > 1 ? `, ${attempts} attempts` : '';
    return `${duration(end - start)}  ${outcome.replaceAll('_', ' ')}${tries}`;
  });
  const endColumns = Math.max(...ends.map((text) => text.length), 0);
  const columns = stdout.isTTY === true ? sizeOf(stdout).width : pipeColumns;
  const barColumns = Math.max(barLeast, columns - nameColumns - endColumns - 14);
  const lines = shown.map(({ task, start_ms: start, end_ms: end, outcome }, index) => {
    const from = Math.min(barColumns - 1, Math.floor((start / Math.max(1, whole)) * barColumns));
    const to = Math.max(from + 1, Math.round((end / Math.max(1, whole)) * barColumns));
    const bar = `${' '.repeat(from)}${'#'.repeat(Math.max(1, to - from))}`.padEnd(barColumns);
    const isBad = outcome === 'failed' || outcome === 'stopped';
    return `${padded(cut(task, nameColumns), nameColumns)}  ${duration(start).padStart(7)}  ${paint(isBad ? 'bad' : 'good', bar)}  ${ends[index]}`;
  });
  const hidden = order.length - shown.length;
  return [
    ...lines,
    ...(hidden > 0 ? [`and ${counted(hidden, 'more agent')}; all of them: --json`] : []),
    ...(rest.length > 0 ? [`not reached: ${shortList(rest, 10)}`] : []),
  ];
}

function result(simulation: Simulation, { paint }: Pick<Output, 'paint'>): string[] {
  const {
    plan,
    status,
    duration_ms: ms,
    agents,
    agents_asked: asked,
    peak_agents: peak,
    cost_usd: cost,
    asks,
    runs,
    durations,
  } = simulation;
  const isDone = status === 'done';
  const price = cost === null ? '' : `, about $${cost.toFixed(2)}`;
  const end = isDone ? `${plan} is done after ${duration(ms)}` : `${plan} is ${status} after ${duration(ms)}`;
  return [
    '',
    `${paint(isDone ? 'good' : 'bad', end)}, with at most ${counted(peak, 'agent')} at a time of ${agents} allowed${price}`,
    ...(asked === null
      ? []
      : [
          paint(
            'attention',
            `${counted(asked, 'agent')} were asked for, but one repo may have ${agents}: max_agents_per_repo`,
          ),
        ]),
    ...agentsLine(simulation),
    ...(runs === null
      ? []
      : [
          `${counted(runs.count, 'run')}: ${duration(runs.p10_ms)} to ${duration(runs.p90_ms)} in 8 of 10, half of them within ${duration(runs.p50_ms)}; ${Object.entries(
            runs.statuses,
          )
            .map(([name, count]) => `${count} ${name}`)
            .join(', ')}`,
        ]),
    ...asks.map(({ at_ms: at, detail }) => paint('attention', `after ${duration(at)} you are asked: ${plain(detail)}`)),
    paint(
      'dim',
      durations
        .map(({ role, from, typical_ms: typical }) => `${role} ${duration(typical)} (${sources[from]})`)
        .join(', '),
    ),
  ];
}

const sources = { given: 'as given', history: 'as before in this repo', assumed: 'assumed' } as const;

/** The number of parallel agents that still shortens the plan. */
function agentsLine({ with_agents: tried, agents_that_help: enough }: Simulation): string[] {
  if (enough === null || tried.length < 2) return [];
  const shown = tried.filter(({ agents }) => agents <= enough);
  const times = shown.map(({ agents, duration_ms: ms }) => `${agents}: ${duration(ms)}`).join(', ');
  return [`by number of agents  ${times}; more than ${enough} do not make it shorter`];
}
