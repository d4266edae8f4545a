/** Reports the commits of other hosts to watchers, and knows which repos those hosts have. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Written } from '../port.ts';
import { type Answer, answered, type Connection } from '../tables/connection.ts';
import type { Session } from './session.ts';
import type { StoreState } from './transactions.ts';

/** While the database is away, it is asked this often whether it listens again. */
const retryMs = 1_000;

interface NoticeParts {
  readonly reading: Session;
  readonly state: StoreState;
  readonly elsewhere: Elsewhere;
  /** Looks for questions of other hosts. */
  look(): void;
}

/** Tells watchers what other hosts have written. */
export function createNotices({ reading, state, elsewhere, look }: NoticeParts) {
  const watchers = new Set<(written: Written | null) => void>();
  const hostWatchers = new Set<() => void>();

  function notify(what: Written | null): void {
    for (const watcher of watchers) watcher(what);
  }

  function notifyOfHosts(): void {
    elsewhere.forget();
    for (const watcher of hostWatchers) watcher();
  }

  /** Notices of what was written meanwhile were lost here. */
  async function listenAgain(): Promise<void> {
    while (!state.isClosed && watchers.size + hostWatchers.size > 0) {
      try {
        await reading.client();
        notify(null);
        look();
        notifyOfHosts();
        return;
      } catch {
        await delay(retryMs);
      }
    }
  }

  function watch<Watcher>(those: Set<Watcher>, onChange: Watcher): () => void {
    those.add(onChange);
    // Writes before it listens are reported when it does.
    if (!reading.isOpen()) void listenAgain();
    return () => void those.delete(onChange);
  }

  return {
    ...{ notify, notifyOfHosts, listenAgain },
    watch: (onChange: (written: Written | null) => void) => watch(watchers, onChange),
    watchHosts: (onChange: () => void) => watch(hostWatchers, onChange),
    close() {
      watchers.clear();
      hostWatchers.clear();
    },
  };
}

export type Elsewhere = ReturnType<typeof createElsewhere>;

/**
 * The repos of other hosts, as of the last notice about hosts. A host loses a repo by its own commit, or with its lock, after which it can commit nothing: so it
 * always knows of the loss in time.
 */
export function createElsewhere(connection: Connection, host: string) {
  const list = connection.prepare<[string], { project: string }>(
    'SELECT project FROM repo_hosts WHERE host <> ? OR coming_from IS NOT NULL',
  );
  /** null: not read yet. */
  let known: Answer<readonly string[]> | null = null;
  return {
    forget() {
      known = null;
    },
    read(): Answer<readonly string[]> {
      if (known !== null) return known;
      const read = answered(list.all(host), (rows) => rows.map(({ project }) => project));
      known = read;
      // A reading that failed is repeated.
      void Promise.resolve(read).catch(() => {
        if (known === read) known = null;
      });
      return read;
    },
  };
}
