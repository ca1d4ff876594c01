// Who may do what, as the operator's page shows it before the server is asked. The server's own table decides; this one only
// keeps buttons from promising what would be refused.

export type Action = 'open' | 'suspend' | 'resume' | 'close' | 'scratch' | 'late-off' | 'result' | 'confirm' | 'void';

const TABLE: Readonly<Record<Action, readonly string[]>> = {
  open: ['TOTE_OPERATOR'],
  suspend: ['TOTE_OPERATOR', 'STEWARD'],
  resume: ['TOTE_OPERATOR'],
  close: ['STEWARD', 'TOTE_OPERATOR'],
  scratch: ['STEWARD'],
  'late-off': ['STEWARD'],
  result: ['STEWARD'],
  confirm: ['STEWARD'],
  void: ['STEWARD'],
};

/** A token pasted by hand names no roles: everything is offered and the server answers. */
export function may(roles: readonly string[], action: Action): boolean {
  return roles.length === 0 || TABLE[action].some((role) => roles.includes(role));
}

/** `TOTE_OPERATOR` → `tote operator`. */
export function roleName(role: string): string {
  return role.replaceAll('_', ' ').toLowerCase();
}

/** `Anna, steward` → `Anna`: the role is said beside it. */
export function givenName(name: string): string {
  return name.split(',')[0] ?? name;
}

/** Which actions make sense in a state; what the market would refuse anyway is not offered. */
export function actionsIn(status: string): readonly Action[] {
  switch (status) {
    case 'DRAFT':
      return ['open', 'scratch', 'void'];
    case 'OPEN':
      return ['close', 'suspend', 'scratch', 'void'];
    case 'SUSPENDED':
      return ['resume', 'close', 'scratch', 'void'];
    case 'CLOSING':
    case 'CLOSED':
      return ['result', 'late-off', 'scratch', 'void'];
    case 'PROVISIONAL':
      return ['result', 'late-off', 'void'];
    case 'REOPENED':
    case 'PAYING':
    case 'SETTLED':
      return ['result', 'scratch', 'void'];
    default:
      return [];
  }
}
