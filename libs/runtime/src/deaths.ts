/**
 * How often deciding the command at one position ended an incarnation, counted across restarts of the process. A command that kills
 * the process says nothing, so a life after an unexplained end decides its first commands one by one, each noted before it is tried.
 * It must never count a life that ended for another reason: a command must not be set aside because a log was away.
 */

/** A small text per source that survives the process once `write` has resolved. */
export interface NoteStore {
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
}

export interface Deaths {
  /** A life begins to decide. True when the one before it did not end in good order: then each command is to be noted first. */
  begin(): Promise<boolean>;
  /** The command at this position is about to be decided. */
  attempt(epoch: number, offset: number): Promise<void>;
  /** Deciding it threw. */
  note(epoch: number, offset: number): void;
  /** What was attempted is decided and in the log, or left to a person: nothing is held against it any more. */
  acquit(): void;
  count(epoch: number, offset: number): number;
  /** The life is over; `died` of a command, or of anything else. */
  end(died: boolean): Promise<void>;
}

/** A command and how many lives ended over it, the one under way included. */
type Suspect = readonly [epoch: number, offset: number, deaths: number];

interface Note {
  /** A life is deciding, or was when its process ended. */
  readonly running: boolean;
  readonly suspects: readonly Suspect[];
}

const UNEXPLAINED: Note = { running: true, suspects: [] };

/** Without a store it counts for as long as the process lives, and so it does where the store fails: a full disk stops no decider. */
export function countDeaths(src: string, store?: NoteStore, onFault: (fault: Error) => void = () => undefined): Deaths {
  let note: Note | undefined;
  /** The command that would be guilty if the process ended now. */
  let trying: readonly [epoch: number, offset: number] | undefined;
  let writing: Promise<void> = Promise.resolve();
  /** One write after the other: the last word must be the last one written. */
  const keep = (next: Note): Promise<void> => {
    note = next;
    if (!store) return Promise.resolve();
    writing = writing.then(() => store.write(`deaths-${src}`, JSON.stringify(next))).catch(onFault);
    return writing;
  };
  const known = async (): Promise<Note> => {
    try {
      return readNote(await store?.read(`deaths-${src}`));
    } catch (fault) {
      onFault(fault as Error);
      return UNEXPLAINED;
    }
  };
  const deathsAt = (epoch: number, offset: number): number =>
    note?.suspects.find(([e, o]) => e === epoch && o === offset)?.[2] ?? 0;
  const withDeaths = (epoch: number, offset: number, deaths: number): readonly Suspect[] => {
    const others = (note?.suspects ?? []).filter(([e, o]) => e !== epoch || o !== offset);
    return deaths > 0 ? [...others, [epoch, offset, deaths]] : others;
  };
  return {
    async begin() {
      const before = note ?? (await known());
      await keep({ ...before, running: true });
      return before.running || before.suspects.length > 0;
    },
    async attempt(epoch, offset) {
      trying = [epoch, offset];
      const suspects = withDeaths(epoch, offset, deathsAt(epoch, offset) + 1);
      // What lies before it is decided.
      await keep({ running: true, suspects: suspects.filter(([e, o]) => e === epoch && o >= offset) });
    },
    note(epoch, offset) {
      if (trying) return;
      note = { running: true, suspects: withDeaths(epoch, offset, deathsAt(epoch, offset) + 1) };
    },
    acquit() {
      if (trying) note = { running: true, suspects: withDeaths(...trying, 0) };
      trying = undefined;
    },
    count: (epoch, offset) => deathsAt(epoch, offset) - (trying?.[0] === epoch && trying[1] === offset ? 1 : 0),
    async end(died) {
      const suspects = trying && !died ? withDeaths(...trying, deathsAt(...trying) - 1) : (note?.suspects ?? []);
      trying = undefined;
      await keep({ running: false, suspects });
    },
  };
}

/** What cannot be read counts as an unexplained end. */
function readNote(text: string | undefined): Note {
  if (text === undefined) return { running: false, suspects: [] };
  try {
    const { running, suspects } = JSON.parse(text) as Note;
    return { running: running === true, suspects: suspects.filter((one) => one.every(Number.isSafeInteger)) };
  } catch {
    return UNEXPLAINED;
  }
}
