/** The page of the log's records is the one that the source makes, and it leaves out nothing that can stand in the log. */
import { describe, expect, test } from 'vitest';
import { COMMAND_FORMAT, NEWEST_RECORD_FORMAT, RECORD_FORMAT } from '#mutuel/contracts';
import { recordsDocument } from '../../infra/records-document.js';
import { textOf } from './files.js';

const page = textOf('docs/RECORDS.md');

describe('docs/RECORDS.md', () => {
  test('is what the source says: `npm run documents` writes it anew', () => {
    expect(page).toBe(recordsDocument());
  });

  test.each([
    ...['PlaceTicket', 'CancelTicket', 'AbandonRef', 'OpenAccount', 'MarketFact', 'ShardReport', 'RenewLease'],
    ...['TicketAccepted', 'RefTaken', 'FactApplied', 'BetsRefunded', 'BetsPaid', 'PoolSealed', 'RaceSettled'],
    ...['Checkpoint', 'SetAside', 'RecordFormatProposed', 'RecordFormatRaised'],
    ...['BettingClosed', 'RunnerScratched', 'LeaseRenewed', 'Seal', 'Stakes', 'Paid'],
  ])('names %s with its fields', (name) => {
    expect(page).toMatch(new RegExp(`^#### ${name}\\n[\\s\\S]*?\\| field \\| type`, 'm'));
  });

  test('names the formats that this release reads and writes', () => {
    expect(page).toContain(`| envelope of a command | \`${COMMAND_FORMAT}\` | \`${COMMAND_FORMAT}\` |`);
    expect(page).toMatch(
      new RegExp(
        `^\\| decision and start records \\| .* \\| \`${RECORD_FORMAT}\` to \`${NEWEST_RECORD_FORMAT}\` \\|$`,
        'm',
      ),
    );
  });
});
