/** Declared prices as people read them: those of the log and those of our own sheet are compared as text. */

export interface Price {
  readonly tier: string;
  readonly c: string;
  readonly price: string;
}

export const pricesText = (prices: readonly Price[]): string =>
  prices
    .map(({ tier, c, price }) => `${tier} ${named(c)} ${price}`)
    .sort()
    .join(', ');

/** A declared key without what stands beside the runners in it: how many legs are right, and who did not run in them. */
const named = (c: string): string =>
  c
    .replace(/^\d+@/, '')
    .split('/')
    .map((leg) => leg.split(/[~!]/, 1)[0])
    .join('/');
