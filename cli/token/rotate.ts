/** `stator token rotate`. */
import { rotateHomeToken } from '../../runtime/base/platform/home-token.ts';
import { defineVerb } from '../command.ts';
import { homeOfPerson, printToken } from './token.ts';

export default defineVerb({
  summary: 'Make a new token for the control API over TCP, and print it; the old one counts no more.',
  args: {},
  examples: ['stator token rotate'],
  more: 'A daemon that runs takes the new one at once. Tokens of agents are not touched: they end with their runs.',
  async run(_args, call) {
    const home = homeOfPerson(call);
    return printToken(call, home, rotateHomeToken(home));
  },
});
