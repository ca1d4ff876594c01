/** Canonical JSON: keys sorted, no spaces, integers only as JSON writes them. Equal values give equal text on every machine. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  return Array.isArray(value) ? listed(value) : named(value as Readonly<Record<string, unknown>>);
}

/** Text put together piece by piece: an image of the market has ten thousand of them, and lists of pieces cost more than the text. */
function listed(values: readonly unknown[]): string {
  let text = '';
  for (const value of values) text += text === '' ? canonical(value) : `,${canonical(value)}`;
  return `[${text}]`;
}

function named(record: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const key of Object.keys(record).sort()) {
    const value = record[key];
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(value)}`;
  }
  return `{${text}}`;
}
