/** `stator token show`. */
import { ensureHomeToken } from '../../runtime/base/platform/home-token.ts';
import { defineVerb } from '../command.ts';
import { homeOfPerson, printToken } from './token.ts';

export default defineVerb({
  summary: 'Print the token that the control API wants over TCP.',
  args: {},
  examples: ['stator token show'],
  more: 'It is made where there is none yet. Whoever has it may do all that you may: keep it as you keep a password.',
  async run(_args, call) {
    const home = homeOfPerson(call);
    return printToken(call, home, ensureHomeToken(home));
  },
});
