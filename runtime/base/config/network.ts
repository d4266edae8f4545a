/** Whether a profile's network limit can be enforced: a network is limited by walls, and by nothing else. */
import type { AgentProfile } from './profiles.ts';

/** The mistake and the remedy, with the key; null: there is none. `table`: the table of `[agents]` that contains it. */
export function networkProblem(
  { network, sandbox, preset }: Pick<AgentProfile, 'network' | 'sandbox' | 'preset'>,
  table: string,
  platform: NodeJS.Platform = process.platform,
): { readonly key: 'network'; readonly message: string } | null {
  if (network === 'full') return null;
  const what = `network = "${network}" of [agents.${table}] limits nothing`;
  const free = `set network = "full" under [agents.${table}] to say that it may reach everything`;
  if (preset === 'function')
    return { key: 'network', message: `${what}: a function runs in the engine's own process; ${free}` };
  if (sandbox === 'off')
    return {
      key: 'network',
      message: `${what} with sandbox = "off": only walls limit a network; take sandbox = "off" out, or ${free}`,
    };
  if (platform === 'linux') return null;
  return {
    key: 'network',
    message: `${what} on ${platform === 'darwin' ? 'macOS' : platform}: only walls limit a network, and there are none; ${free}`,
  };
}
