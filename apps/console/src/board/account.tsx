// Which account bets from this tab: one of the demo's, or an id and a token given by the operator. The token stays in the
// tab's storage.
import { Button, Modal } from '@mantine/core';
import { useState } from 'react';
import type { BettorSession } from '../common/session.js';
import { type Currency, money } from '../money.js';
import type { Account, Demo } from '../wire.js';

/** The demo's crowd has hundreds of accounts; a visitor needs a few. */
const OFFERED = 12;

export interface AccountMenuProps {
  demo: Demo | undefined;
  session: BettorSession | null;
  account: Account | undefined;
  unit: Currency;
  onSession: (session: BettorSession | null) => void;
}

export function AccountMenu({ demo, session, account, unit, onSession }: AccountMenuProps) {
  const [asking, setAsking] = useState(false);
  const accounts = (demo?.accounts ?? []).slice(0, OFFERED);
  return (
    <div className="account">
      {account === undefined ? null : (
        <span className="balance" data-testid="balance" aria-live="polite">
          <span className="sr">Balance </span>
          {money(account.balance.available, {
            currency: account.currency,
            exponent: account.exponent ?? unit.exponent,
          })}
        </span>
      )}
      {accounts.length > 0 ? (
        <>
          <label className="sr" htmlFor="account">
            Demo account
          </label>
          <select
            id="account"
            data-testid="account"
            value={session?.accountId ?? ''}
            onChange={(event) => {
              const chosen = accounts.find((one) => one.accountId === event.target.value);
              onSession(chosen === undefined ? null : { accountId: chosen.accountId, token: chosen.token });
            }}
          >
            <option value="">Watching</option>
            {accounts.map((one) => (
              <option key={one.accountId} value={one.accountId}>
                {one.accountId}
              </option>
            ))}
          </select>
        </>
      ) : session === null ? (
        <button type="button" className="plain-button" onClick={() => setAsking(true)} data-testid="sign-in">
          Sign in
        </button>
      ) : (
        <button type="button" className="plain-button" onClick={() => onSession(null)}>
          Sign out
        </button>
      )}
      <SignIn
        opened={asking}
        onClose={() => setAsking(false)}
        onSession={(next) => {
          onSession(next);
          setAsking(false);
        }}
      />
    </div>
  );
}

function SignIn(props: { opened: boolean; onClose: () => void; onSession: (session: BettorSession) => void }) {
  const [accountId, setAccountId] = useState('');
  const [token, setToken] = useState('');
  return (
    <Modal opened={props.opened} onClose={props.onClose} title="Sign in to bet" centered>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          props.onSession({ accountId: accountId.trim(), token: token.trim() });
        }}
      >
        <label className="field">
          Account
          <input
            value={accountId}
            onChange={(event) => setAccountId(event.target.value)}
            required
            autoComplete="username"
          />
        </label>
        <label className="field">
          Token
          <input
            value={token}
            onChange={(event) => setToken(event.target.value)}
            required
            type="password"
            autoComplete="off"
          />
        </label>
        <Button type="submit">Sign in</Button>
      </form>
    </Modal>
  );
}
