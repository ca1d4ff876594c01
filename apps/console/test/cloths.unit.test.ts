// Whoever sees badly reads the number on every saddle cloth: figures stand out from the cloth as WCAG 2.2 asks of text (1.4.3).
import { expect, it } from 'vitest';
import { CLOTHS } from '../src/common/parts.js';

/** Relative luminance of `#rrggbb`, as WCAG defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

it.each(CLOTHS.map(([cloth, ink], index) => [index + 1, cloth, ink] as const))(
  'cloth %i is readable: %s under %s is 4.5 to 1 or more',
  (_number, cloth, ink) => {
    const [light = 0, dark = 0] = [luminance(cloth), luminance(ink)].sort((a, b) => b - a);
    expect((light + 0.05) / (dark + 0.05)).toBeGreaterThanOrEqual(4.5);
  },
);
