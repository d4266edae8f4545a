/** The addresses at which the other hosts of a store can clone a repo. */
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import type { Store } from '../../core/store/port.ts';
import type { RepoRow } from '../../core/store/rows.ts';
import { sharedAddress } from '../git/clone.ts';

export interface Addresses {
  /** `isNew`: a person has just trusted the present repository. */
  note(repo: Pick<RepoRow, 'project' | 'path'>, of: { readonly isNew: boolean }): Promise<void>;
  /** Logs a failed `note`, which is tried again at the next start, or when the repo is trusted again. */
  warn(project: string): (thrown: unknown) => void;
}

export function createAddresses({
  store,
  log,
}: {
  readonly store: Pick<Store, 'hosts'>;
  readonly log: Log;
}): Addresses {
  return {
    async note({ project, path }, { isNew }) {
      if (store.hosts === undefined) return;
      const address = await sharedAddress({ path });
      if (address !== null) await store.hosts.noteRemote(project, address, { isNew });
    },
    warn: (project) => (thrown) => log.warn(`where other hosts find ${project}: ${messageOf(thrown)}`),
  };
}
