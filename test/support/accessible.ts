/** The accessibility problems that axe finds on a page. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** The problems in light and dark, and the elements beyond the edge. */
export async function problemsOf(page: Page): Promise<string[]> {
  const problems: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source);
    const found = await page.evaluate<string[]>(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))',
    );
    problems.push(...found.map((each) => `${colorScheme}: ${each}`));
  }
  const over = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'));
  return over > 0 ? [...problems, `${over} pixels too wide`] : problems;
}
