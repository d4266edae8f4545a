/** `stator token`: the token of the control API over TCP. */

import { homeFolder } from '../runtime/base/config/home.ts';
import { ensureHomeToken, homeTokenFile, rotateHomeToken } from '../runtime/base/platform/home-token.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { refuseAgent } from './place.ts';

const show = defineVerb({
  summary: 'Print the token that the control API wants over TCP.',
  args: {},
  examples: ['stator token show'],
  more: 'It is made where there is none yet. Whoever has it may do all that you may: keep it as you keep a password.',
  async run(_args, call) {
    printToken(call, ensureHomeToken);
  },
});

const rotate = defineVerb({
  summary: 'Make a new token for the control API over TCP, and print it; the old one counts no more.',
  args: {},
  examples: ['stator token rotate'],
  more: 'A daemon that runs takes the new one at once. Tokens of agents are not touched: they end with their runs.',
  async run(_args, call) {
    printToken(call, rotateHomeToken);
  },
});

/** Throws `not_allowed` inside a run: an agent speaks with its own token. */
function printToken(call: Call, tokenOf: (home: string) => string): void {
  refuseAgent(call, 'have the token of the home');
  const home = homeFolder(call.env);
  const token = tokenOf(home);
  call.out.answer({ token, file: homeTokenFile(home) }, () => [token]);
}

export default { show, rotate } satisfies Verbs;
