// Who is signed in on this tab: kept in the tab's own storage, gone when it closes. It must never reach local storage or
// a cookie, since a token opens an account.
import { useCallback, useState } from 'react';

export interface BettorSession {
  accountId: string;
  token: string;
}

export interface OperatorSession {
  user: string;
  name: string;
  token: string;
  roles: string[];
}

/** A value in the tab's storage under `key`; null signs out. */
export function useSession<T>(key: string): [T | null, (value: T | null) => void] {
  const [value, setValue] = useState<T | null>(() => read<T>(key));
  const set = useCallback(
    (next: T | null) => {
      if (next === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(next));
      setValue(next);
    },
    [key],
  );
  return [value, set];
}

function read<T>(key: string): T | null {
  try {
    const text = sessionStorage.getItem(key);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}
