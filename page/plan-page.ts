/** One plan. */
import type { FactEntry, PlanShow } from '../runtime/contract/plans.ts';
import type { Api, Named } from './api.ts';
import { h, type View } from './dom.ts';
import { createRefresher } from './refresh.ts';

export interface PlanPage {
  title(): string;
  where(): { text: string; href: string | null }[];
  view(nowMs: number): View;
  heard(facts: readonly FactEntry[], isGap: boolean): void;
  leave(): void;
}

export interface PlanPageOptions {
  readonly api: Api;
  readonly named: Named;
  readonly agent: string | null;
  redraw(): void;
  say(text: string): void;
  tellRefusal(thrown: unknown): void;
}

export function createPlanPage({ api, named, redraw, tellRefusal }: PlanPageOptions): PlanPage {
  let plan: PlanShow | null = null;
  const refresher = createRefresher({
    async work() {
      plan = await api.plan(named).catch((thrown: unknown) => {
        tellRefusal(thrown);
        return plan;
      });
      redraw();
    },
    leastMs: 250,
    mostMs: 5_000,
  });
  refresher.poke();
  return {
    title: () => `${named.plan} · stator`,
    where: () => [
      { text: named.project, href: '#/' },
      { text: named.plan, href: null },
    ],
    view: () => h('main', { id: 'main' }, h('h1', null, named.plan), h('p', null, plan?.status ?? '')),
    heard(facts, isGap) {
      if (isGap || facts.some(({ project, plan: name }) => project === named.project && name === named.plan))
        refresher.poke();
    },
    leave: () => refresher.stop(),
  };
}
