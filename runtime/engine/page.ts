/** The page of `stator inspect`; its code is loaded when it is first requested, or may still be open in a browser. */
import { existsSync } from 'node:fs';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { Inspect } from '../api/control/route.ts';
import type { Inspector } from '../api/inspector/inspector.ts';
import { inspectorFile } from '../api/inspector/place.ts';
import { later } from '../base/platform/later.ts';
import type { Log } from '../base/platform/log.ts';
import type { Core } from './core.ts';

const loadInspector = later(() => import('../api/inspector/inspector.ts'));

export interface PageParts {
  readonly home: string;
  readonly log: Log;
  readonly app: { fetch(request: Request): Response | Promise<Response> };
  /** null: there is no engine at the moment. */
  readonly watched: () => Core | null;
}

export interface Page {
  readonly open: Inspect;
  /** The address at which a page of an earlier daemon may wait for this one. */
  resume(): void;
  stop(): Promise<void>;
}

export function createPage({ home, log, app, watched }: PageParts): Page {
  let loaded: Promise<Inspector> | null = null;
  const load = () => {
    loaded ??= loadInspector().then(({ createInspector }) =>
      createInspector({ home, app, log, nowMs: () => Date.now(), watched }),
    );
    return loaded;
  };
  return {
    open: async (wanted) => (await load()).open(wanted),
    resume() {
      if (!existsSync(inspectorFile(home))) return;
      load()
        .then((inspector) => inspector.resume())
        .catch((thrown: unknown) => log.warn(`the page of stator inspect is not served again: ${messageOf(thrown)}`));
    },
    stop: async () => (await loaded)?.stop(),
  };
}
