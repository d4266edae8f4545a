import { EngineError } from '../../../machines/vocabulary/errors.ts';

/** A forge wants us to wait: nothing was done. `retryAtMs` is wall clock time, within the next hour. */
export class ForgeLimit extends EngineError {
  override readonly retryAtMs: number;

  constructor(host: string, retryAtMs: number) {
    const at = new Date(retryAtMs).toISOString();
    super('forge_limited', `${host} was asked too often and wants us to wait until ${at}`, 'it is asked again then');
    this.retryAtMs = retryAtMs;
  }
}
