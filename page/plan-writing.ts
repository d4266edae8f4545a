/** Writing another document for a plan, on the page of the plan. */
import type { createActs } from './acts.ts';
import { ApiError, type Named } from './api.ts';
import { ofTab, store, stored } from './browser-storage.ts';
import type { PlanParts, WritingActions } from './plan-model.ts';

interface WritingParts extends PlanParts {
  readonly acts: ReturnType<typeof createActs>;
}

export function planWriting({ api, may, named, model, change, showRefusal, acts }: WritingParts): WritingActions {
  const about = documentOf(named);
  /** The stored name of the document that the typed text was made from. */
  const baseName = `text base of ${about}`;

  /** Throws `conflict` once if the plan has got another document since this one was opened. */
  async function save(content: string): ReturnType<typeof api.edit> {
    const base = stored(baseName, ofTab);
    const { content: present } = await api.plan(named);
    if (base === null || base === present) return api.edit(named, content);
    store(baseName, present, ofTab);
    throw new ApiError(
      'conflict',
      'somebody else has changed the document since you opened it',
      'your text is still here: copy it, and cancel shows the present document; or Save again puts yours in its place',
    );
  }

  return {
    openDocument() {
      const { plan, writing } = model();
      if (plan === null || writing !== null || !may.maySend('plan_updated')) return;
      api
        .preview(named, 'plan_updated', { content: plan.content })
        .then(({ accepted }) => change({ isEditable: accepted }))
        .catch(showRefusal);
    },
    write(isOn) {
      const { plan } = model();
      // A text that was typed before a reload was made from an earlier document.
      if (isOn && plan !== null && stored(`text ${about}`, ofTab) === null) store(baseName, plan.content, ofTab);
      change({ writing: isOn && plan !== null ? { content: plan.content, check: null, isBusy: false } : null });
    },
    form: {
      edited() {
        const { writing } = model();
        if (writing !== null && writing.check !== null) change({ writing: { ...writing, check: null } });
      },
      check(content) {
        api
          .check(content)
          .then((check) => {
            const { writing } = model();
            change({ writing: writing === null ? null : { ...writing, check } });
          })
          .catch(showRefusal);
      },
      submit(_, content, taken) {
        const then = () => {
          taken();
          change({ writing: null });
        };
        acts.ask('plan_updated', () => save(content), 'The plan has the new document.', then);
      },
      cancel: () => change({ writing: null }),
    },
  };
}

/** The key of the text that is written for the document of that plan. */
export function documentOf({ project, plan }: Named): string {
  return `document of ${project}/${plan}`;
}
