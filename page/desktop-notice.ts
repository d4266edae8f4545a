/** A desktop notification of the browser when a plan begins to need the person, and this page is not in view. */
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import { store, stored } from './browser-storage.ts';
import { needOf, planAddress } from './needs.ts';

const switchName = 'desktop-notices';

export interface DesktopNotice {
  /** `missing`: the browser shows no notifications for this page, or the person has blocked them. */
  state(): 'on' | 'off' | 'missing';
  /** Asks for the browser's permission if it was not given yet. */
  turn(isOn: boolean): Promise<void>;
  /** Called after each reading of the plans. The first reading notifies nobody. */
  looked(plans: readonly PlanEntry[]): void;
}

export function createDesktopNotice(): DesktopNotice {
  let known: ReadonlySet<string> | null = null;
  /** Browsers on phones define `Notification` and throw when it is used. */
  let isRefused = false;

  const isAllowed = () => 'Notification' in window && Notification.permission === 'granted';

  function state(): 'on' | 'off' | 'missing' {
    if (!('Notification' in window) || Notification.permission === 'denied' || isRefused) return 'missing';
    return isAllowed() && stored(switchName) === true ? 'on' : 'off';
  }

  function notify(plan: PlanEntry): void {
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
      store(switchName, isOn ? true : null);
      if (isOn && !isAllowed()) await Notification.requestPermission();
    },
    looked(plans) {
      const asking = plans.filter(({ need }) => need !== null);
      const before = known;
      known = new Set(asking.map(keyOf));
      if (before === null || !document.hidden || state() !== 'on') return;
      for (const plan of asking) if (!before.has(keyOf(plan))) notify(plan);
    },
  };
}

/** A new need of the same plan has another key, so it is shown again. */
function keyOf({ project, plan, need }: PlanEntry): string {
  return `${project}/${plan} ${need?.since ?? ''}`;
}
