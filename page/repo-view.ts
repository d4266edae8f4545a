/** One repo: whether it works, its plans, and a form for the next one. */
import { restartsText } from '../machines/vocabulary/landing.ts';
import type { LandingEntry } from '../runtime/api/contract/landings.ts';
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import type { RepoShow } from '../runtime/api/contract/repos.ts';
import { type DocumentForm, documentForm, type Writing } from './document-form.ts';
import { h, type View } from './dom.ts';
import { glyph, nameLink, panel, stateOf, timesIn, timeView } from './elements.ts';
import { fact } from './facts.ts';
import { progress } from './fleet.ts';
import { field } from './form.ts';
import { planAddress, shapeOf } from './needs.ts';
import type { Session } from './session.ts';
import { planWords } from './state-words.ts';

export interface RepoModel {
  readonly project: string;
  readonly repo: RepoShow | null;
  readonly plans: readonly PlanEntry[];
  /** The lines of plans that wait to land on a branch. */
  readonly lines: readonly LandingEntry[];
  readonly writing: Writing;
  /** Why there is no such repo. */
  readonly missing: string | null;
}

export interface RepoActions {
  readonly may: Session['may'];
  readonly form: Omit<DocumentForm, 'about' | 'name' | 'keep'>;
  switchRepo(word: 'pause' | 'resume'): void;
  landing(word: 'pause' | 'resume' | 'first' | 'remove', of: { branch: string } | { plan: string }): void;
}

export function repoView(
  { project, repo, plans, lines, writing }: RepoModel,
  actions: RepoActions,
  nowMs: number,
): View {
  if (repo === null)
    return h('main', { class: 'plan repo', id: 'main', tabindex: '-1' }, h('p', { class: 'boot' }, '…'));
  return h(
    'main',
    { class: 'plan repo', id: 'main', tabindex: '-1' },
    head(repo, actions, nowMs),
    lines.map((line) => landingView(line, actions, nowMs)),
    panel(
      { heading: 'repo-plans', title: 'Plans', count: plans.length },
      h(
        'ul',
        { class: 'repo-plans plan-rows' },
        plans.length === 0
          ? h('li', { class: 'dim' }, actions.may('steer') ? 'None yet: write one below.' : 'None yet.')
          : null,
        plans.map((plan) =>
          h(
            'li',
            { key: plan.plan },
            nameLink(planAddress(plan), plan.plan),
            h('span', { class: 'dim clamped' }, plan.title ?? ''),
            stateOf(shapeOf(plan), planWords(plan)),
            progress(plan),
            h('span', { class: 'dim' }, timeView(plan.updated_at, nowMs)),
          ),
        ),
      ),
    ),
    !actions.may('steer')
      ? null
      : panel(
          { heading: 'new-title', title: 'A new plan' },
          documentForm(writing, {
            ...actions.form,
            about: `new plan of ${project}`,
            keep: 'Register',
            name: field('input', `name of a new plan of ${project}`, {
              name: 'name',
              required: true,
              placeholder: 'Its name, such as login',
              'aria-label': `The name of the new plan of ${project}`,
              maxlength: '256',
            }),
          }),
        ),
  );
}

const landingWords = {
  empty: '',
  preparing: 'is being merged with the branch, on no branch yet',
  checking: 'is being checked',
  merging: 'is being merged',
} satisfies Record<LandingEntry['state'], string>;

/** The plan that is landing on a branch, and the plans that wait behind it. */
function landingView(
  { project, branch, state, paused, restarts, current, line }: LandingEntry,
  actions: RepoActions,
  nowMs: number,
): View {
  const word = paused ? 'resume' : 'pause';
  const row = ({ plan, since }: LandingEntry['line'][number], what: string, buttons: readonly View[]) =>
    h(
      'li',
      { key: plan },
      h('a', { class: 'link', href: planAddress({ project, plan }) }, plan),
      h('span', null, what),
      h('span', { class: 'dim' }, timeView(since, nowMs, 'for')),
      actions.may('steer') ? h('span', { class: 'commands' }, buttons) : null,
    );
  const what = restarts === 0 ? landingWords[state] : `${landingWords[state]}, ${restartsText(restarts)}`;
  const button = (text: string, plan: string, does: 'first' | 'remove') =>
    h('button', { 'aria-label': `${text}: ${plan}`, on: { click: () => actions.landing(does, { plan }) } }, text);
  return panel(
    {
      key: `line ${branch}`,
      heading: `line-of-${branch}`,
      title: `Landing on ${branch}`,
      count: current.length + line.length,
    },
    h(
      'ul',
      { class: 'repo-plans' },
      current.map((landed) => row(landed, what, [button('Take out', landed.plan, 'remove')])),
      line.map((waiting, index) =>
        row(waiting, `place ${index + 1}`, [
          ...(index === 0 ? [] : [button('First', waiting.plan, 'first')]),
          button('Take out', waiting.plan, 'remove'),
        ]),
      ),
      current.length + line.length === 0 ? h('li', { class: 'dim' }, 'No plan is in line.') : null,
      h(
        'li',
        { key: 'line' },
        h('span', { class: 'dim' }, paused ? 'Paused: nothing lands.' : 'Plans land one after the other.'),
        actions.may('steer')
          ? h(
              'button',
              { on: { click: () => actions.landing(word, { branch }) } },
              paused ? 'Let them land' : 'Pause landing',
            )
          : null,
      ),
    ),
  );
}

function head(repo: RepoShow, actions: RepoActions, nowMs: number): View {
  const { project, path, state, reason, problem, untrusted, trust, notes } = repo;
  const word = state === 'paused' ? 'resume' : 'pause';
  return h(
    'header',
    { class: 'plan-head' },
    h(
      'div',
      { class: 'plan-title' },
      h('h1', null, project),
      stateOf(state === 'active' ? 'ready' : state === 'paused' ? 'paused' : 'failed', state),
      actions.may('steer') && (state === 'active' || state === 'paused')
        ? h(
            'div',
            { class: 'commands' },
            h('button', { on: { click: () => actions.switchRepo(word) } }, word === 'pause' ? 'Pause' : 'Resume'),
          )
        : null,
    ),
    h(
      'dl',
      { class: 'facts' },
      fact('path', path),
      fact('trusted', trust === null ? 'no' : [timeView(trust.since, nowMs), `, by ${trust.by}`]),
    ),
    [
      ...(reason === null ? [] : [reason]),
      ...(problem === null ? [] : [problem]),
      ...(untrusted.length === 0
        ? []
        : [`Not in force until somebody says yes (stator repo trust ${project}): ${untrusted.join('; ')}`]),
    ].map((text) => h('p', { key: text, class: 'notice' }, glyph('held'), ' ', timesIn(text, nowMs))),
    notes.map((text) => h('p', { key: text, class: 'dim' }, timesIn(text, nowMs))),
  );
}
