import { EngineError } from '../machines/vocabulary/errors.ts';
import { homeFolder, loadDaemonConfig } from '../runtime/base/config/config.ts';

/** Whether a person wants to be notified like this: `[notifications] terminal` of daemon.toml. Code that needs the file reports what is wrong with it. */
export function wantsAttention(env: NodeJS.ProcessEnv): boolean {
  try {
    return loadDaemonConfig(homeFolder(env)).notifications.terminal;
  } catch (thrown) {
    if (thrown instanceof EngineError) return true;
    throw thrown;
  }
}
