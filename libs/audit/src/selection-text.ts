/**
 * Reads the selection texts that stand in the decision logs, by a reader of its own. The texts are canonical: the field is
 * spelt out, so a text says everything. What this cannot read is a fault of the log and is refused, never guessed.
 */
import { AuditRefused, type AuditSelection } from './sheet.js';

/**
 * `4>7>1` and `4,7>1,9>2` (columns; `-` between them where order means nothing), `BOX:4,7,1`, `KEY:4|1,7,9` (bases | associated),
 * `BANKER:`, `CHAMP_TOTAL:` and `CHAMP_REDUIT:` alike; a form may carry its orders, `BOX.ONE:4,7,1`, or the size of its lines, `BOX.5:…`.
 * Behind a plus the bettor's complements: `4>7>1+9`.
 */
const TEXT = /^(?:(BOX|KEY|BANKER|CHAMP_TOTAL|CHAMP_REDUIT)(?:\.(ALL|ONE|FIELD|SET|[4-7]))?:)?(.+)$/;
const RUNNER = /^[A-Za-z0-9]+$/;

export function parseSelectionText(text: string): AuditSelection {
  const [formula = '', complement, ...more] = text.split('+');
  if (more.length > 0) throw unreadable(text);
  const selection = parseFormula(formula);
  return complement === undefined ? selection : { ...selection, complement: runnersOf(complement, text) };
}

function parseFormula(text: string): AuditSelection {
  const [, form, behind, names = ''] = TEXT.exec(text) ?? [];
  const stated = behindForm(behind);
  if (form === undefined) {
    const columns = names.split(/[>-]/).map((column) => runnersOf(column, text));
    return { form: 'WHEEL', columns, ...(names.includes('-') ? { orders: 'SET' } : {}) };
  }
  if (form === 'BOX') return { form, runners: runnersOf(names, text), ...stated };
  const [bases = '', associated = '', ...more] = names.split('|');
  if (more.length > 0) throw unreadable(text);
  // A champ is a banker: with the whole field (spelt out here) or with a part of it.
  return {
    form: form === 'KEY' ? 'KEY' : 'BANKER',
    bases: runnersOf(bases, text),
    associated: associated === '' ? [] : runnersOf(associated, text),
    ...stated,
  };
}

/** What stands behind a form: its orders, or how many runners a line names. */
function behindForm(text: string | undefined): Pick<AuditSelection, 'orders' | 'size'> {
  if (text === undefined) return {};
  return /^\d$/.test(text) ? { size: Number(text) } : { orders: text as 'ALL' | 'ONE' | 'FIELD' | 'SET' };
}

function runnersOf(list: string, text: string): readonly string[] {
  const runners = list.split(',');
  if (!runners.every((runner) => RUNNER.test(runner))) throw unreadable(text);
  return runners;
}

const unreadable = (text: string): AuditRefused => new AuditRefused(`the selection "${text}" cannot be read`);
