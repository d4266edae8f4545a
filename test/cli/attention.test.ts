/** The terminal itself reports a person's turn: it rings once for each new need, and its title shows that there is one. */
import { expect, it } from 'vitest';
import { createAttention } from '../../cli/attention.ts';

function looking(env: NodeJS.ProcessEnv, isOn = true) {
  let text = '';
  const stream = {
    isTTY: true,
    write(part: string) {
      text += part;
    },
  };
  const attention = createAttention({ stream, env, isOn });
  const written = () => {
    const now = text.replaceAll('\x1b', '^').replaceAll('\x07', '*');
    text = '';
    return now;
  };
  return { ...attention, written };
}

it('rings once for each need, says so in the title while there is one, and gives the title back', () => {
  const { show, suspend, close, written } = looking({ TERM: 'xterm' });
  show(['a', 'b'], '2 need you', { isQuiet: true });
  expect(written()).toBe('^[22;0t^]0;2 need you^\\');
  show(['b'], '1 needs you');
  expect(written()).toBe('^]0;1 needs you^\\');
  show(['b', 'c'], '2 need you');
  show(['b', 'c'], '2 need you');
  expect(written()).toBe('*^]0;2 need you^\\');
  suspend();
  expect(written()).toBe('^]0;^\\^[23;0t');
  show(['b', 'c'], '2 need you');
  expect(written()).toBe('^[22;0t^]0;2 need you^\\');
  show([], '');
  expect(written()).toBe('^]0;^\\^[23;0t');
  show(['b'], 'b\x1b]0;x\x07');
  expect(written()).toMatch(/^\*\^\[22;0t\^\]0;b[^*^]*\^\\$/);
  close();
  close();
  expect(written()).toBe('^]0;^\\^[23;0t');
});

it('writes no title where one would be text, and nothing at all where it is not wanted', () => {
  const console = looking({ TERM: 'linux' });
  console.show(['a'], 'a');
  console.close();
  expect(console.written()).toBe('*');
  const off = looking({ TERM: 'xterm' }, false);
  off.show(['a'], 'a');
  off.close();
  expect(off.written()).toBe('');
});
