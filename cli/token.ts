/** `stator token`: the token of the control API over TCP. */

import { homeFolder } from '../runtime/base/config/home.ts';
import { ensureHomeToken, homeTokenFile, rotateHomeToken } from '../runtime/base/platform/home-token.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { refuseAgent } from './place.ts';

const show = defineVerb({
  summary: 'Print the token for the control API over TCP.',
  args: {},
  examples: ['stator token show'],
  more: 'If there is no token, it is made. With the token anybody can do what you can: keep it like a password.',
  async run(_args, call) {
    printToken(call, ensureHomeToken);
  },
});

const rotate = defineVerb({
  summary: 'Make and print a new token for the control API over TCP; the old one becomes invalid.',
  args: {},
  examples: ['stator token rotate'],
  more: 'A running daemon uses the new token at once. Tokens of agents do not change; they end with their runs.',
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
