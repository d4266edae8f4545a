/** The agent that is shown beside a plan: its log, its checks, its prompt, or its changes. */
import { isTitleIn, taskNamed, taskOfTitle } from '../machines/vocabulary/ids.ts';
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { ApiError } from './api.ts';
import { planAddress, shortTitle } from './needs.ts';
import type { Chosen, ChosenActions, PlanParts, Tab } from './plan-model.ts';
import type { createPlanReview } from './plan-review.ts';
import { createRefresher } from './refresh.ts';

const unknownAgent = 'This plan has no agent of this name.';
/** How often the end of a log is read while its agent lives. */
const logMs = 1_000;

interface ChosenParts extends PlanParts {
  readonly review: ReturnType<typeof createPlanReview>;
}

export function createChosenAgent({ api, named, model, change, review }: ChosenParts) {
  const reader = createRefresher({ work: read, leastMs: logMs, mostMs: logMs });

  async function read(): Promise<void> {
    const { agents, chosen, plan } = model();
    if (chosen === null || document.hidden) return;
    const { title, tab } = chosen;
    const found = agents.find((each) => each.title === title);
    const query = questionOf(title, named.plan);
    try {
      if (tab === 'log') {
        if (plan === null) return;
        if (found === undefined)
          return put(title, tab, { nothing: mayStart(plan, title) ? 'It has not started yet.' : unknownAgent });
        put(title, tab, { log: await api.log(named.project, title), nothing: null });
      } else if (tab === 'checks') {
        put(title, tab, { checks: found === undefined ? [] : await api.checks(named.project, title), nothing: null });
      } else if (tab === 'diff') showDiffOf(title);
      else put(title, tab, { prompt: await api.prompt(named, query), nothing: null });
    } catch (thrown) {
      if (thrown instanceof ApiError) put(title, tab, { nothing: `${thrown.message}. ${thrown.hint}` });
    }
  }

  /** Data for a tab that is no longer shown is dropped. */
  function put(title: string, tab: Tab, part: Partial<Chosen>): void {
    const { chosen } = model();
    if (chosen?.title === title && chosen.tab === tab) change({ chosen: { ...chosen, ...part } });
  }

  /** Called before the agent is read: until then the tab would show the changes of something else, and a person could comment on those. */
  function showDiffOf(title: string): void {
    const { task, since } = model().changes;
    const own = questionOf(title, named.plan).task ?? null;
    if (task !== own || since !== null) review.actions.showChanges({ task: own, since: null });
    else review.reader.poke();
  }

  function choose(title: string): void {
    if (model().chosen?.title === title) return;
    const tab = model().chosen?.tab ?? 'log';
    change({ chosen: { title, tab, log: null, prompt: null, checks: null, nothing: null } });
    if (tab === 'diff') showDiffOf(title);
    history.replaceState(null, '', `${planAddress(named)}/${encodeURIComponent(title)}`);
    reader.poke();
  }

  const actions: ChosenActions = {
    choose,
    close() {
      change({ chosen: null });
      history.replaceState(null, '', planAddress(named));
    },
    turnTo(tab) {
      const { chosen } = model();
      if (chosen === null) return;
      change({ chosen: { ...chosen, tab, nothing: null } });
      if (tab === 'diff') showDiffOf(chosen.title);
      reader.poke();
    },
  };

  return { actions, stop: reader.stop };
}

/** Whether the plan, as it is now, has that task, or may begin an agent of that role. */
function mayStart({ plan, tasks_by_wave: waves }: PlanShow, title: string): boolean {
  const at = taskOfTitle(plan, title);
  if (at === null) return isTitleIn(plan, title);
  return waves.some(({ number, tasks }) => number === at.wave && tasks.some((task) => task.number === at.task));
}

/** The task or the role whose prompt and changes are shown. */
function questionOf(title: string, plan: string): { task?: string; role?: string } {
  const word = shortTitle(title, plan);
  if (taskNamed(word) !== null) return { task: word };
  const [first = ''] = word.split('-');
  const role = { plan: 'planner', review: 'reviewer', fix: 'fixer', verify: 'verifier' }[first];
  return { role: role ?? first };
}
