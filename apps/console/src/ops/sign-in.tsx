// The door of the stewards' room: a person of the demo, or a token. It must never keep a token beyond the tab.
import { useState } from 'react';
import { Bones, ProblemNote } from '../common/parts.js';
import { useDemo } from '../common/queries.js';
import type { OperatorSession } from '../common/session.js';
import { givenName, roleName } from './roles.js';

export function SignIn({ onSession }: { onSession: (session: OperatorSession) => void }) {
  const demo = useDemo();
  const [token, setToken] = useState('');
  const people = demo.data?.operators ?? [];
  return (
    <section className="panel" style={{ maxWidth: 520, margin: '6vh auto 0' }} data-testid="ops-sign-in">
      <div className="panel-head">
        <h1 className="quiet">Sign in to the stewards' room</h1>
      </div>
      <div className="panel-body stack">
        {demo.isPending ? <Bones rows={3} /> : null}
        {people.length > 0 ? (
          <>
            <p className="small muted">This is the demo: be any of these people. A result needs two of them.</p>
            <div className="people">
              {people.map((person) => (
                <button
                  key={person.user}
                  type="button"
                  onClick={() => onSession(person)}
                  data-testid={`be-${person.user}`}
                >
                  <b>{givenName(person.name)}</b>
                  <span className="small muted">{person.roles.map(roleName).join(', ')}</span>
                  <span className="tiny">{person.user}</span>
                </button>
              ))}
            </div>
          </>
        ) : null}
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            onSession({ user: '', name: 'Signed in by token', token: token.trim(), roles: [] });
          }}
        >
          <label className="field">
            {people.length > 0 ? 'Or paste a token' : 'Operator token'}
            <input
              type="password"
              autoComplete="off"
              required
              value={token}
              onChange={(event) => setToken(event.target.value)}
            />
          </label>
          <button type="submit" className="act main">
            Sign in
          </button>
        </form>
        {demo.error !== null && people.length === 0 && demo.failureCount > 3 ? (
          <ProblemNote failure={demo.error} />
        ) : null}
      </div>
    </section>
  );
}
