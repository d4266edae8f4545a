/** Asks a thread of its own for keys and tokens in texts: a hostile text may keep the rules busy, and never the engine. The thread is there while it is asked. */
import { Worker } from 'node:worker_threads';
import { inPackage } from '../../../base/platform/package-files.ts';

export interface Question {
  readonly id: number;
  readonly texts: readonly { readonly path: string; readonly content: string }[];
}

/** Never the secret itself. `kind`: the service and what of it, as secretlint names both. `digest`: the same for the same secret. */
export interface Found {
  readonly path: string;
  readonly line: number;
  readonly kind: string;
  readonly digest: string;
}

export interface SecretSearch {
  /** null: it took too long, or the thread failed; then nothing is known of these texts. */
  in(texts: Question['texts']): Promise<readonly Found[] | null>;
}

const limitMs = 30_000;
const idleMs = 30_000;
const memoryMb = 512;

export function createSecretSearch(): SecretSearch {
  let worker: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let count = 0;
  let last: Promise<unknown> = Promise.resolve();

  function end(): void {
    clearTimeout(idle);
    void worker?.terminate();
    worker = null;
  }

  function begin(): Worker {
    const options = { env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: memoryMb } };
    // One that is being ended may fail once more, when nobody asks it; and one that has ended answers nobody.
    const begun = new Worker(inPackage('dist', 'bin', 'secrets-worker.js'), options).on('error', () => {});
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
    return new Promise((resolve) => {
      const settle = (found: readonly Found[] | null): void => {
        clearTimeout(limit);
        asked.off('message', hear).off('error', fail).off('exit', fail);
        asked.unref();
        if (found === null) end();
        else idle = setTimeout(end, idleMs).unref();
        resolve(found);
      };
      const hear = (said: { id: number; found: Found[] }): void => {
        if (said.id === id) settle(said.found);
      };
      const fail = (): void => settle(null);
      const limit = setTimeout(fail, limitMs);
      asked.on('message', hear).on('error', fail).on('exit', fail);
      // After the listener, which would hold it again.
      asked.ref();
      asked.postMessage({ id, texts } satisfies Question);
    });
  }

  return {
    in(texts) {
      if (texts.length === 0) return Promise.resolve([]);
      const answered = last.then(() => ask(texts));
      last = answered;
      return answered;
    },
  };
}
