/** The work of a plan: its document, its tasks as a board, the verdicts of its reviews, and its cost. */

import { mergeLines } from '../machines/vocabulary/merge-text.ts';
import { counted } from '../machines/vocabulary/numbers.ts';
import { rangeText } from '../machines/vocabulary/time-text.ts';
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { agentView } from './agent-view.ts';
import { boardView } from './board-view.ts';
import { documentForm } from './document-form.ts';
import { type Child, h, type View } from './dom.ts';
import { panel, timesIn, timeView } from './elements.ts';
import { budgetText, fact, usageFacts } from './facts.ts';
import { repoAddress } from './needs.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';
import { documentOf } from './plan-writing.ts';
import { namesOf } from './search.ts';
import { verdictsView } from './verdicts-view.ts';

export function workView(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View {
  return h(
    'div',
    { key: 'work', class: model.chosen === null ? 'work' : 'work with-agent' },
    h(
      'div',
      { key: 'board', class: 'side' },
      documentView(plan, model, actions),
      boardView(plan, model, actions, nowMs),
      verdictsView(model, nowMs),
    ),
    h(
      'div',
      { key: 'side', class: 'side' },
      model.chosen === null ? null : agentView(model.chosen, model, actions, nowMs),
      aboutView(plan, nowMs),
    ),
  );
}

function documentView(
  { project, plan, content }: PlanShow,
  { isEditable, writing, at }: PlanModel,
  actions: PlanActions,
): View {
  return h(
    'details',
    { key: 'document', class: 'panel document', on: { toggle: actions.openDocument } },
    h(
      'summary',
      null,
      'The document',
      h('span', { class: 'count' }, counted(content.trimEnd().split('\n').length, 'line')),
    ),
    writing === null
      ? [
          h(
            'pre',
            { key: 'text', class: 'output', tabindex: '0', role: 'region', 'aria-label': 'The document' },
            content,
          ),
          isEditable && at === null
            ? h('button', { key: 'edit', class: 'edit', on: { click: () => actions.write(true) } }, 'Edit')
            : null,
        ]
      : documentForm(writing, { ...actions.form, about: documentOf({ project, plan }), keep: 'Save' }),
  );
}

function aboutView(plan: PlanShow, nowMs: number): View {
  return panel(
    { key: 'about', class: 'panel about', heading: 'about-title', title: 'About' },
    h(
      'dl',
      { class: 'facts' },
      fact('repo', h('a', { class: 'link', href: repoAddress(plan.project) }, plan.project)),
      fact('file', plan.file ?? ''),
      fact('author', namesOf(plan.author).join(', ')),
      fact('branch', plan.branch),
      fact('base', plan.base_remote?.text ?? plan.base?.branch ?? ''),
      fact('after', (plan.base?.on ?? []).map((each) => each.plan).join(', ')),
      fact('runs', String(plan.runs)),
      ...usageFacts(plan.usage),
      fact('budget', budgetText(plan.budget)),
      fact(
        'left',
        plan.estimate === null
          ? ''
          : `${rangeText(plan.estimate.from_ms, plan.estimate.to_ms)}, by ${counted(plan.estimate.tasks, 'task')}`,
      ),
      fact('review cycle', plan.review_cycle === 0 ? '' : String(plan.review_cycle)),
      fact('merged', mergeOf(plan, nowMs)),
      fact('merge refused', plan.merge_refused === null ? '' : timesIn(plan.merge_refused.detail, nowMs)),
      fact('pull request', pullRequest(plan)),
      fact(isOfMembers(plan) ? 'in repos' : 'stack', stackOf(plan)),
      fact('no pull request', plan.pr_refused === null ? '' : timesIn(plan.pr_refused.detail, nowMs)),
      fact('left undone', plan.left_undone.join('; ')),
      fact('set aside', plan.set_aside.join('; ')),
    ),
  );
}

function mergeOf({ merged }: PlanShow, nowMs: number): Child {
  if (merged === null) return '';
  const [where, ...notes] = mergeLines(merged);
  return h(
    'div',
    null,
    `${where}, `,
    timeView(merged.at, nowMs),
    notes.map((note) => h('p', { key: note }, note)),
  );
}

function isOfMembers({ pull_request: made }: PlanShow): boolean {
  return made?.stack?.some(({ project }) => project !== undefined) === true;
}

/** The pull requests of a stack, the lowest first, or those of the members of its repo. */
function stackOf({ pull_request: made }: PlanShow): Child {
  const layers = made?.stack ?? [];
  if (layers.length === 0) return '';
  const line = ({ name, state, url, base, pushed }: (typeof layers)[number]) => {
    const rest = `${state === 'merged' ? ' into' : ' for'} ${base}${pushed === undefined ? '' : ', pushed to by people'}`;
    return h('li', { key: name }, `${name}: ${state} `, webLink(url), rest);
  };
  return h('ol', { class: 'stack' }, layers.map(line));
}

/** A link only for http and https: the address comes from a forge. */
function webLink(url: string): Child {
  if (!/^https?:\/\//.test(url)) return url;
  const link = { href: url, target: '_blank', rel: 'noopener noreferrer', class: 'link' };
  return h('a', link, url.replace(/^https?:\/\//, ''));
}

function pullRequest({ pull_request: made, creating_pr: isCreated }: PlanShow): Child {
  if (made === null) return isCreated ? 'being made' : '';
  const url = made.url ?? '';
  const merge = made.merge === null ? '' : `, merge ${made.merge.state}`;
  return h('span', null, `${made.state} `, webLink(url), merge);
}
