import { expect, it } from 'vitest';
import { refusedAddresses } from '../../runtime/base/config/config.ts';
import { kasmosHooks } from '../../runtime/base/config/kasmos.ts';

function linesOf(url: string, more = ''): string[] {
  const text = `[[hooks]]\ntype = "webhook"\nname = "deploy"\nurl = "${url}"\nevents = ["review_approved"]\n${more}`;
  return refusedAddresses(kasmosHooks('.kasmos/config.toml', text).hooks.map(({ hook }) => hook));
}

it.each([
  'http://localhost:9000/hook',
  'http://127.0.0.1/',
  'http://[::1]:80/',
  'https://192.168.1.2/x',
  'http://10.0.0.1',
])('a kasmos hook to %s is reported as off when it is read, with the key that allows it', (url) => {
  const [line = '', ...more] = linesOf(url);
  expect(more).toEqual([]);
  expect(line).toContain('the hook deploy is off');
  expect(line).toContain('allow_private = true');
  expect(linesOf(url, 'allow_private = true\n')).toEqual([]);
  expect(linesOf(url, 'enabled = false\n')).toEqual([]);
});

it('a hook to a name or an address of the internet is not reported', () => {
  for (const url of ['https://example.com/x', 'https://93.184.216.34/']) expect(linesOf(url)).toEqual([]);
});
