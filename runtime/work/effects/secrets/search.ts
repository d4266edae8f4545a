/**
 * Searches texts for keys and tokens in a separate thread: a hostile text may block the search rules, but not the engine. The thread exists only while it
 * searches.
 */
import { Worker } from 'node:worker_threads';
import { environmentFault } from '../../../base/platform/environment-fault.ts';
import { ownScript } from '../../../base/platform/package-files.ts';
import { createSerialQueue } from '../../../base/platform/serial-queue.ts';

export interface Question {
  readonly id: number;
  readonly texts: readonly { readonly path: string; readonly content: string }[];
}

/** A finding without the secret itself. `kind`: secretlint's names of the service and of the kind of secret. `digest`: the same for the same secret. */
export interface Found {
  readonly path: string;
  readonly line: number;
  readonly kind: string;
  readonly digest: string;
}

export interface SecretSearch {
  /** null: the search took too long, or the thread failed; the texts are then not checked. Throws faults of the environment, which are waited for. */
  in(texts: Question['texts']): Promise<readonly Found[] | null>;
}

const limitMs = 30_000;
const idleMs = 30_000;
const memoryMb = 512;

/** The search of this process: to load the rules takes a thread a tenth of a second, so the engines of one process share it. */
export const secretSearch = createSecretSearch();

function createSecretSearch(): SecretSearch {
  let worker: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let count = 0;
  const inTurn = createSerialQueue();

  function end(): void {
    clearTimeout(idle);
    void worker?.terminate();
    worker = null;
  }

  function begin(): Worker {
    const execArgv = packageLoaders(process.env.NODE_OPTIONS ?? '');
    const options = { env: {}, execArgv, resourceLimits: { maxOldGenerationSizeMb: memoryMb } };
    // A thread that is being ended may fail once more without a caller, and an ended thread answers no caller.
    const begun = new Worker(ownScript('secrets-worker.js'), options).on('error', () => {});
    return begun.once('exit', () => {
      if (worker === begun) worker = null;
    });
  }

  function ask(texts: Question['texts']): Promise<readonly Found[] | null> {
    clearTimeout(idle);
    const asked = worker ?? begin();
    worker = asked;
    count += 1;
    const id = count;
    return new Promise((resolve, reject) => {
      const settle = (found: readonly Found[] | null, thrown?: unknown): void => {
        clearTimeout(limit);
        asked.off('message', hear).off('error', fail).off('exit', fail);
        asked.unref();
        if (found === null) end();
        else idle = setTimeout(end, idleMs).unref();
        const trouble = environmentFault(thrown);
        if (trouble === null) resolve(found);
        else reject(trouble);
      };
      const hear = (said: { id: number; found: Found[] }): void => {
        if (said.id === id) settle(said.found);
      };
      const fail = (thrown?: unknown): void => settle(null, thrown);
      const limit = setTimeout(fail, limitMs);
      asked.on('message', hear).on('error', fail).on('exit', fail);
      // This comes after the listener, which would keep the process alive again.
      asked.ref();
      asked.postMessage({ id, texts } satisfies Question);
    });
  }

  return {
    in(texts) {
      return texts.length === 0 ? Promise.resolve([]) : inTurn(() => ask(texts));
    },
  };
}

/** The files by which Yarn's Plug'n'Play finds packages: `--require …/.pnp.cjs` and the like. A thread does not take all options of a process. */
function packageLoaders(nodeOptions: string): string[] {
  const loaders = /(--(?:require|import|(?:experimental-)?loader))[ =](?:"([^"]*\.pnp\.[^"]*)"|(\S*\.pnp\.\S+))/g;
  return [...nodeOptions.matchAll(loaders)].flatMap(([, flag = '', quoted, plain = '']) => [flag, quoted ?? plain]);
}
