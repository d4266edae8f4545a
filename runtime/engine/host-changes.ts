/** What other hosts of a shared store commit may give a verdict, free a slot, or end what runs here. Which repos they have is known here too. */
import { placeOf, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Troubles } from '../base/platform/poll-loop.ts';
import type { Bus, Verdicts } from '../core/inbox/facts.ts';
import type { Pump } from '../core/inbox/pump.ts';
import type { TreeCache } from '../core/inbox/tree-cache.ts';
import type { Store } from '../core/store/port.ts';
import { concernsHere } from '../core/store/written.ts';
import type { Projects } from '../work/repos/registry.ts';

interface HostChangesParts {
  readonly store: Store;
  readonly projects: Projects;
  readonly cache: TreeCache;
  readonly bus: Bus;
  readonly pump: Pump;
  readonly verdicts: Verdicts;
  readonly troubles: Troubles;
  onEffects(): void;
}

const trouble = { what: 'what other hosts have is not known' };

/** Follows them until `stop`. null: the store is that of one machine. */
export async function followHosts(parts: HostChangesParts) {
  const { hosts } = parts.store;
  if (hosts === undefined) return null;
  let isDrained = false;
  // A tree without a repo is stepped by any host.
  const isOfOthers = (project: string) => project === '' || parts.projects.isElsewhere(project);
  const look = async () => {
    try {
      await parts.projects.readOthers();
      isDrained = (await hosts.list()).some(({ name, drained }) => name === hosts.own && drained !== null);
      parts.bus.missedHere();
      parts.pump.wake();
      parts.onEffects();
      parts.troubles.worked(trouble);
    } catch (thrown) {
      parts.troubles.failed(trouble, thrown);
    }
  };
  await look();
  const ends = [
    parts.store.watch((written) => {
      const isWritten = (tree: TreeAddress) => written === null || written.trees.includes(tree);
      parts.cache.forgetThose((tree) => isWritten(tree) && isOfOthers(placeOf(tree).project));
      if (written?.freesSlots || concernsHere(written, parts.projects.isElsewhere)) parts.onEffects();
      void parts.verdicts.look();
    }),
    hosts.watch(() => void look()),
  ];
  return {
    /** This host starts nothing new. */
    isDrained: () => isDrained,
    stop() {
      for (const end of ends) end();
    },
  };
}
