/**
 * How often deciding the command at one position ended an incarnation, counted across restarts of the process. A command that kills
 * the process says nothing, so after two unexplained ends at about the same place commands are decided one by one, each noted before it
 * is tried. After one the next life goes on at full speed: that is how a machine or a person kills, and bets are waiting then.
 * It must never count a life that ended for another reason: a command must not be set aside because a log was away, nor because
 * another source of the same process tried one that kills.
 */
import { MAX_APPEND_RECORDS } from '#mutuel/contracts';

/** So many commands could have been on their way into the log when a life ended: the one that ended it is among them. */
export const CAREFUL_COMMANDS = 2 * MAX_APPEND_RECORDS;

/** A small text per source that survives the process once `write` has resolved. */
export interface NoteStore {
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
}

export interface Deaths {
  /** A life begins to decide at this position. True where one of the next commands is suspected: then each is to be noted first. */
  begin(epoch: number, from: number): Promise<boolean>;
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

type Position = readonly [epoch: number, offset: number];

/** A command and how many lives ended over it, the one under way included. */
type Suspect = readonly [epoch: number, offset: number, deaths: number];

interface Note {
  /** A life is deciding, or was when its process ended. */
  readonly running: boolean;
  /** Where that life began to decide. */
  readonly from?: Position | undefined;
  readonly suspects: readonly Suspect[];
}

/** Lets one after the other in: of all sources of a process only one command may be suspect at a time. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves to what ends the turn. */
  async take(): Promise<() => void> {
    let end: () => void = () => undefined;
    const before = this.#last;
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return end;
  }
}

const UNEXPLAINED: Note = { running: true, suspects: [] };

/**
 * Without a store it counts for as long as the process lives, and so it does where the store fails: a full disk stops no decider. `turns`
 * are those of the process.
 */
export function countDeaths(
  src: string,
  store?: NoteStore,
  onFault: (fault: Error) => void = () => undefined,
  turns = new Turns(),
): Deaths {
  let lives = 0;
  let endTurn: (() => void) | undefined;
  let note: Note | undefined;
  /** The command that would be guilty if the process ended now. */
  let trying: Position | undefined;
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
  const letGo = (): void => {
    trying = undefined;
    endTurn?.();
    endTurn = undefined;
  };
  return {
    async begin(epoch, from) {
      const before = note ?? (await known());
      // What lies before it is decided.
      const suspects = before.suspects.filter(([e, o]) => e === epoch && o >= from);
      await keep({ running: true, from: [epoch, from], suspects });
      return suspects.length > 0 || (before.running && gotNowhere(before.from, epoch, from));
    },
    async attempt(epoch, offset) {
      const life = lives;
      const end = await turns.take();
      // Nobody tries it any more.
      if (life !== lives) return end();
      endTurn = end;
      trying = [epoch, offset];
      const suspects = withDeaths(epoch, offset, deathsAt(epoch, offset) + 1);
      // What lies before it is decided.
      await keep({ ...note, running: true, suspects: suspects.filter(([e, o]) => e === epoch && o >= offset) });
    },
    note(epoch, offset) {
      if (trying) return;
      note = { ...note, running: true, suspects: withDeaths(epoch, offset, deathsAt(epoch, offset) + 1) };
    },
    acquit() {
      if (trying) note = { ...note, running: true, suspects: withDeaths(...trying, 0) };
      letGo();
    },
    count: (epoch, offset) => deathsAt(epoch, offset) - (trying?.[0] === epoch && trying[1] === offset ? 1 : 0),
    async end(died) {
      lives++;
      const suspects = trying && !died ? withDeaths(...trying, deathsAt(...trying) - 1) : (note?.suspects ?? []);
      await keep({ running: false, suspects }).finally(letGo);
    },
  };
}

/** Whether a life that began there ended with the commands that wait here, or may have. */
const gotNowhere = (began: Position | undefined, epoch: number, from: number): boolean =>
  began === undefined || (began[0] === epoch && from - began[1] <= CAREFUL_COMMANDS);

/** What cannot be read counts as an unexplained end. */
function readNote(text: string | undefined): Note {
  if (text === undefined) return { running: false, suspects: [] };
  try {
    const { running, from, suspects } = JSON.parse(text) as Note;
    return {
      running: running === true,
      from: from?.every(Number.isSafeInteger) ? from : undefined,
      suspects: suspects.filter((one) => one.every(Number.isSafeInteger)),
    };
  } catch {
    return UNEXPLAINED;
  }
}
