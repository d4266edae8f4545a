import { EngineError } from '../machines/vocabulary/errors.ts';
import { homeFolder, loadDaemonConfig } from '../runtime/base/config/config.ts';

/** Whether a person wants these notifications: `[notifications] terminal` of daemon.toml. A broken file is reported by the code that needs it. */
export function wantsAttention(env: NodeJS.ProcessEnv): boolean {
  try {
    return loadDaemonConfig(homeFolder(env)).notifications.terminal;
  } catch (thrown) {
    if (thrown instanceof EngineError) return true;
    throw thrown;
  }
}
