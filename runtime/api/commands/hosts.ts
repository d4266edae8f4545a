/** Commands about the hosts that share the store. Any of the hosts can carry them out. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { supervisorTree } from '../../../machines/vocabulary/ids.ts';
import { type Hosts, mustCommit } from '../../core/store/port.ts';
import type { HostEntry, HostRemoved } from '../contract/hosts.ts';
import type { CommandDependencies } from './command-dependencies.ts';

export function createHostCommands({ store, projects, views, clock, onChange }: CommandDependencies) {
  /** Throws `conflict` if the store belongs to one machine. */
  function mustShare(): Hosts {
    if (store.hosts !== undefined) return store.hosts;
    throw new EngineError(
      'conflict',
      `the store ${store.file} is of this machine alone`,
      'several hosts share a store in PostgreSQL: docs/cluster.md',
    );
  }

  /** Throws `not_found`, and `conflict` for a removed host. */
  async function mustFind(name: string): Promise<HostEntry> {
    const host = await views.host(name);
    if (host.state !== 'removed') return host;
    throw new EngineError(
      'conflict',
      `the host ${name} was removed at ${host.removed_at}`,
      'see the existing ones: stator host list',
    );
  }

  return {
    /** Work that runs there goes on. Throws `not_found`, `conflict`. */
    async drainHost(name: string, isDrained: boolean): Promise<HostEntry> {
      const hosts = mustShare();
      await mustFind(name);
      await hosts.drain(name, isDrained);
      return views.host(name);
    },
    /**
     * Removes a host that is lost for good. It cannot come back under its name, and its repos have no host until one registers them. The command may be
     * repeated after it was cut off. Throws `not_found`; `conflict` if the host is alive.
     */
    async removeHost(name: string): Promise<HostRemoved> {
      const hosts = mustShare();
      const { own, state } = await views.host(name);
      const alive = (message: string) =>
        new EngineError(
          'conflict',
          message,
          `stop it there first: stator daemon stop --agents; to have it start nothing: stator host drain ${name}`,
        );
      if (own) throw alive(`${name} is the host that was asked: another one removes it`);
      if (state === 'alive' || state === 'draining' || !(await hosts.remove(name)))
        throw alive(`the host ${name} is alive`);
      const { repos } = await views.host(name);
      for (const project of repos) {
        const at = clock.nowMs();
        const payload = { project };
        await mustCommit(store, [
          { do: 'repo.remove', project, at },
          { do: 'signal.insert', tree: supervisorTree, type: 'repo_removed', payload, origin: 'engine', at },
        ]);
      }
      await projects.readOthers();
      onChange();
      const notes =
        repos.length === 0
          ? []
          : [
              'their plans are kept, and go on where the repo is registered again: stator repo add <path>, which fetches their branches from the remote',
            ];
      return { status: 'removed', name, repos, notes };
    },
  };
}
