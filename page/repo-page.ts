/** One repo: its data, and the plan that a person writes there. */
import { ApiError } from './api.ts';
import { missingView } from './frame.ts';
import { planAddress } from './needs.ts';
import type { Page, PageParts } from './page.ts';
import { createRefresher } from './refresh.ts';
import { type RepoActions, type RepoModel, repoView } from './repo-view.ts';

export interface RepoPageOptions extends PageParts {
  readonly project: string;
}

const landingSaid = {
  pause: 'Nothing lands until you resume it.',
  resume: 'Plans land again.',
  first: 'It is the next to land.',
  remove: 'It is out of the line.',
} satisfies Record<Parameters<RepoActions['landing']>[0], string>;

const begin = `# What it is called

**Goal:** What is true when it is done.

## Wave 1

### Task 1: What is done first

What is to be done, and how one sees that it is.
`;

export function createRepoPage({ api, may, project, redraw, say, showRefusal }: RepoPageOptions): Page {
  let model: RepoModel = {
    project,
    repo: null,
    plans: [],
    lines: [],
    writing: { content: begin, check: null, isBusy: false },
    missing: null,
  };

  function change(part: Partial<RepoModel>): void {
    model = { ...model, ...part };
    redraw();
  }

  function changeWriting(part: Partial<RepoModel['writing']>): void {
    change({ writing: { ...model.writing, ...part } });
  }

  async function read(): Promise<void> {
    try {
      const [repo, plans, lines] = await Promise.all([api.repo(project), api.plans(true), api.landings(project)]);
      change({ repo, lines, plans: plans.filter((plan) => plan.project === project), missing: null });
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      if (/not_found$/.test(thrown.code) || model.repo === null)
        change({ missing: `${thrown.message}. ${thrown.hint}` });
      else if (thrown.code !== 'unavailable') showRefusal(thrown);
    }
  }

  const refresher = createRefresher({ work: read, leastMs: 300, mostMs: 10_000 });
  const actions: RepoActions = {
    may: may.may,
    form: {
      edited() {
        if (model.writing.check !== null) changeWriting({ check: null });
      },
      check(content) {
        api
          .check(content)
          .then((check) => changeWriting({ check }))
          .catch(showRefusal);
      },
      submit(form, content, taken) {
        const field = form.elements.namedItem('name');
        const plan = field instanceof HTMLInputElement ? field.value.trim() : '';
        changeWriting({ isBusy: true });
        api
          .check(content)
          .then(async (check) => {
            changeWriting({ check });
            if (!check.ok) return;
            await api.register({ project, plan }, content);
            taken();
            say(`${plan} is registered.`);
            location.hash = planAddress({ project, plan });
          })
          .catch(showRefusal)
          .finally(() => changeWriting({ isBusy: false }));
      },
    },
    landing(word, of) {
      api
        .landingWord(project, word, of)
        .then(() => say(landingSaid[word]))
        .catch(showRefusal)
        .finally(() => refresher.hurry());
    },
    switchRepo(word) {
      api
        .repoWord(project, word)
        .then(() => say(word === 'pause' ? 'Its plans are granted nothing new.' : 'Its plans go on.'))
        .catch(showRefusal)
        .finally(() => refresher.hurry());
    },
  };

  refresher.poke();
  return {
    title: () => `${project} · stator`,
    where: () => [{ text: project, href: null }],
    view: (nowMs) => (model.missing === null ? repoView(model, actions, nowMs) : missingView(project, model.missing)),
    heard(facts, isGap) {
      if (isGap || facts.some((fact) => fact.project === project)) refresher.poke();
    },
    leave: () => refresher.stop(),
  };
}
