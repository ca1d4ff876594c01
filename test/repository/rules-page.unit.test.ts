/** The page of rules is the rules: made anew it is the page that is there, and its examples pay what they say. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { priceLine } from '#mutuel/pricing';
import { poolTypes } from '#mutuel/tote';
import { examples, rulesPage } from './rules-page.js';

describe('docs/RULES.md', () => {
  it('is what the rule sets make of it (npx tsx --conditions=src test/repository/rules-page.ts writes it)', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/RULES.md', import.meta.url)), 'utf8');
    expect(page).toBe(rulesPage());
  });

  it('has an example of every pool; a report has the one of its chain', () => {
    expect(poolTypes.filter((type) => !examples[type])).toEqual(['REPORT']);
  });

  it.each(Object.entries(examples))('%s pays what its example says', (type, { line, pays }) => {
    const answer = priceLine({ pool: { type }, ...line });
    if ('error' in answer) throw new Error(answer.error.message);
    const paid = answer.dividends.map(({ tier, c, price }) => [tier === type ? c : `${tier} ${c}`, price]);
    expect(Object.fromEntries(paid)).toEqual(pays);
  });
});
