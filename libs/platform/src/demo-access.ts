/**
 * The demo's own accounts and operators with their tokens. It exists only where the demo runs: a real installation signs people in
 * elsewhere. Tokens are made whenever they are asked for: the same ones each time.
 */
import { setImmediate } from 'node:timers/promises';
import type { Principal, Tokens } from './auth.js';

export interface DemoAccount {
  readonly accountId: string;
  readonly token: string;
  readonly currency: string;
}

export interface DemoOperator {
  readonly user: string;
  readonly name: string;
  readonly token: string;
  readonly roles: readonly string[];
}

const OPERATORS = [
  { user: 'steward-anna', name: 'Anna, steward', roles: ['STEWARD'] },
  { user: 'steward-marc', name: 'Marc, steward', roles: ['STEWARD'] },
  { user: 'tote-ines', name: 'Inès, tote operator', roles: ['TOTE_OPERATOR'] },
  { user: 'accountant-paul', name: 'Paul, accountant', roles: ['ACCOUNTANT'] },
] as const;

const FIRST_ACCOUNT = 1001;
/** Signed without a pause. */
const AT_ONCE = 500;

export const demoAccountId = (index: number): string => `acc-${FIRST_ACCOUNT + index}`;

export class DemoAccess {
  constructor(
    private readonly tokens: Tokens,
    readonly count: number,
    readonly currency: string,
  ) {}

  async all(): Promise<{ accounts: DemoAccount[]; operators: DemoOperator[] }> {
    const { currency } = this;
    const accounts: DemoAccount[] = [];
    for (let i = 0; i < this.count; i++) {
      const accountId = demoAccountId(i);
      accounts.push({ accountId, token: this.tokens.sign(holder(accountId)), currency });
      if (i % AT_ONCE === 0) await setImmediate();
    }
    const operators: DemoOperator[] = [];
    for (const { user, name, roles } of OPERATORS) {
      const principal = { subject: user, accounts: [], roles, channel: 'back-office', device: `demo-${user}` };
      operators.push({ user, name, token: this.tokens.sign(principal), roles });
    }
    return { accounts, operators };
  }
}

const holder = (accountId: string): Principal => ({
  subject: accountId,
  accounts: [accountId],
  roles: [],
  channel: 'web',
  device: `demo-${accountId}`,
});
