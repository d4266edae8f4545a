/** Writing another document for a plan, on the page of the plan. */
import type { createActs } from './acts.ts';
import type { PlanParts, WritingActions } from './plan-model.ts';

interface WritingParts extends PlanParts {
  readonly acts: ReturnType<typeof createActs>;
}

export function planWriting({ api, may, named, model, change, showRefusal, acts }: WritingParts): WritingActions {
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
        acts.ask('plan_updated', () => api.edit(named, content), 'The plan has the new document.', then);
      },
      cancel: () => change({ writing: null }),
    },
  };
}
