// How the state of a race is said to people: one word, one tone, one sentence. It must never invent a state the market
// does not know.

export type Tone = 'go' | 'wait' | 'halt' | 'done' | 'still';

export interface Face {
  readonly label: string;
  readonly tone: Tone;
  /** For the banner of the board; null when there is nothing to add. */
  readonly sentence: string | null;
}

const FACES: Readonly<Record<string, Face>> = {
  DRAFT: { label: 'Not open yet', tone: 'still', sentence: 'Betting on this race has not opened.' },
  OPEN: { label: 'Open', tone: 'go', sentence: null },
  REOPENED: { label: 'Open', tone: 'go', sentence: 'Betting was reopened by the stewards.' },
  SUSPENDED: {
    label: 'Suspended',
    tone: 'halt',
    sentence: 'Betting is suspended for the moment. Bets already taken stand.',
  },
  CLOSING: { label: 'Closing', tone: 'wait', sentence: 'Betting has stopped; the pools are being sealed.' },
  CLOSED: { label: 'Closed', tone: 'wait', sentence: 'Betting has stopped. The order of finish is awaited.' },
  PROVISIONAL: {
    label: 'Provisional',
    tone: 'wait',
    sentence: 'The order is provisional. Nothing is paid until a second person has confirmed it.',
  },
  OFFICIAL: { label: 'Official', tone: 'done', sentence: 'The result is official.' },
  PAYING: { label: 'Paying', tone: 'done', sentence: 'The result is official and winners are being paid.' },
  SETTLED: { label: 'Paid', tone: 'done', sentence: 'The result is official and every winner is paid.' },
  VOID: { label: 'Void', tone: 'halt', sentence: 'The race is void. Every stake is refunded.' },
};

export function faceOf(status: string): Face {
  return FACES[status] ?? { label: status.charAt(0) + status.slice(1).toLowerCase(), tone: 'still', sentence: null };
}

export function isSelling(status: string): boolean {
  return status === 'OPEN' || status === 'REOPENED';
}

/** Before its off as far as the market knows: selling, about to, or held up. */
export function isAhead(status: string): boolean {
  return isSelling(status) || status === 'DRAFT' || status === 'SUSPENDED';
}

/** Nothing more will change on it by itself. */
export function isOver(status: string): boolean {
  return status === 'SETTLED' || status === 'VOID';
}

/** Where a race is run; its meeting's id while the card is not read yet. */
export function courseOf(
  meetings: readonly { meetingId: string; course: string }[],
  { meetingId }: { meetingId: string },
): string {
  return meetings.find((one) => one.meetingId === meetingId)?.course ?? meetingId;
}
