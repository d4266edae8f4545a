/** Tells a person on the desktop, by the browser, when a plan begins to need them and this page is not in view. */
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import { keep, kept } from './kept.ts';
import { needOf, planAddress } from './needs.ts';

const switchName = 'desktop-notices';

export interface DesktopNotice {
  /** `missing`: this browser shows none to a page, or its person has forbidden them here. */
  state(): 'on' | 'off' | 'missing';
  /** Asks the browser for its permission where it has none yet. */
  turn(isOn: boolean): Promise<void>;
  /** After each look at the plans; the first look tells nothing. */
  looked(plans: readonly PlanEntry[]): void;
}

export function createDesktopNotice(): DesktopNotice {
  let known: ReadonlySet<string> | null = null;
  /** A browser of a phone has the name and refuses its use. */
  let isRefused = false;

  const isAllowed = () => 'Notification' in window && Notification.permission === 'granted';

  function state(): 'on' | 'off' | 'missing' {
    if (!('Notification' in window) || Notification.permission === 'denied' || isRefused) return 'missing';
    return isAllowed() && kept(switchName) === true ? 'on' : 'off';
  }

  function tell(plan: PlanEntry): void {
    try {
      const body = needOf(plan)?.why ?? '';
      const notice = new Notification(`${plan.project}/${plan.plan} needs you`, { body, tag: keyOf(plan) });
      notice.onclick = () => {
        focus();
        location.hash = planAddress(plan);
        notice.close();
      };
    } catch {
      isRefused = true;
    }
  }

  return {
    state,
    async turn(isOn) {
      keep(switchName, isOn ? true : null);
      if (isOn && !isAllowed()) await Notification.requestPermission();
    },
    looked(plans) {
      const asking = plans.filter(({ need }) => need !== null);
      const before = known;
      known = new Set(asking.map(keyOf));
      if (before === null || !document.hidden || state() !== 'on') return;
      for (const plan of asking) if (!before.has(keyOf(plan))) tell(plan);
    },
  };
}

/** A plan that needs somebody again is shown again. */
function keyOf({ project, plan, need }: PlanEntry): string {
  return `${project}/${plan} ${need?.since ?? ''}`;
}
