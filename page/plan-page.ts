/** One plan: its data, read again after each new fact, and the actions of a person. */
import { createActs } from './acts.ts';
import type { Named } from './api.ts';
import { createChosenAgent } from './chosen-agent.ts';
import { missingView } from './frame.ts';
import { createLitChart } from './lit-chart.ts';
import { planAddress, repoAddress, shortTitle } from './needs.ts';
import type { Page, PageParts } from './page.ts';
import { type PlanActions, type PlanModel, type PlanParts, sections } from './plan-model.ts';
import { createPlanReading } from './plan-reading.ts';
import { createPlanReview, firstChanges } from './plan-review.ts';
import { planView } from './plan-view.ts';
import { planWriting } from './plan-writing.ts';

export interface PlanPageOptions extends PageParts {
  readonly named: Named;
  /** The last part of its address: one of its sections, or an agent's title. */
  readonly part: string | null;
}

export function createPlanPage({ part, redraw, ...given }: PlanPageOptions): Page {
  const { api, may, named, say, showRefusal } = given;
  let model = firstModel(given);
  const parts: PlanParts = {
    ...given,
    model: () => model,
    change(changed) {
      model = { ...model, ...changed };
      redraw();
    },
  };
  const { change } = parts;

  const chart = createLitChart({ api, redraw });
  const reading = createPlanReading(parts);
  const acts = createActs({ ...parts, state: parts.model, onAnswer: reading.acted });
  const review = createPlanReview({ ...parts, send: acts.send });
  const chosen = createChosenAgent({ ...parts, review });

  const actions: PlanActions = {
    may: may.may,
    chart: chart.element,
    send: (type, payload, done, then = () => {}) => acts.send({ named, type, payload, done, first: null, then }),
    answerSure: acts.answerSure,
    permit(title, permission, word, message, taken) {
      const body = message === '' || word === 'allow' ? { permission } : { permission, message };
      const done = word === 'allow' ? 'Allowed, once.' : 'Denied.';
      acts.ask(word, () => api.permit(named.project, title, word, body), done, taken);
    },
    resume(pause) {
      api
        .queueWord('resume', pause)
        .then(() => say('It goes on.'))
        .catch(showRefusal)
        .finally(reading.acted);
    },
    showTime: (shown) => change({ time: { ...model.time, ...shown } }),
    showActor: (actor) => change({ actor }),
    goTo,
    ...review.actions,
    ...chosen.actions,
    ...planWriting({ ...parts, acts }),
  };

  function goTo(seq: number | null): void {
    change(seq === null ? { at: null, past: null } : { at: seq });
    review.actions.showChanges({});
    if (seq === null) return;
    // Lines that an earlier version wrote may not be replayable: then the chart is shown without them.
    const replayed = api.replay(named, seq).catch((thrown: unknown) => {
      showRefusal(thrown);
      return null;
    });
    Promise.all([api.states(named, seq), replayed])
      .then(([states, plan]) => {
        if (model.at === seq) change({ past: { states, plan } });
      })
      .catch(showRefusal);
  }

  function turnToPart(name: string | null): void {
    const section = sections.find((each) => each === name);
    change({ section: section ?? 'work' });
    if (section === 'changes') review.reader.hurry();
    if (name !== null && section === undefined) chosen.actions.choose(name);
    else if (model.chosen !== null) change({ chosen: null });
  }

  reading.poke();
  turnToPart(part);

  return {
    title: () => `${named.plan} · stator`,
    where: () => [
      { text: named.project, href: repoAddress(named.project) },
      { text: named.plan, href: model.chosen === null ? null : planAddress(named) },
      ...(model.chosen === null ? [] : [{ text: shortTitle(model.chosen.title, named.plan), href: null }]),
    ],
    view(nowMs) {
      queueMicrotask(() => chart.light(model));
      return model.missing === null ? planView(model, actions, nowMs) : missingView(named.plan, model.missing);
    },
    heard(facts, isGap) {
      if (!isGap && !facts.some(({ project, plan }) => project === named.project && plan === named.plan)) return;
      reading.poke();
      review.reader.poke();
    },
    turnToPart,
    leave() {
      for (const each of [reading, chosen, review]) each.stop();
    },
  };
}

/** The model before anything was read. */
function firstModel(given: Pick<PlanParts, 'named' | 'may'>): PlanModel {
  return {
    named: given.named,
    ...{
      plan: null,
      explain: null,
      agents: [],
      isSteady: true,
      pauses: [],
      states: null,
      journal: [],
      bodies: new Map(),
    },
    ...{ actor: '', at: null, past: null, section: 'work', time: { range: null, folds: true } },
    ...{ chosen: null, isEditable: false, writing: null, missing: null, busy: null, sure: null },
    changes: firstChanges(given),
  };
}
