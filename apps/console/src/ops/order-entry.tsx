// Entering the order of finish: runners on the right, ranks on the left, a tap puts one into the other. A dead heat is a
// second tap into the same rank.
import { useState } from 'react';
import { Cloth, ProblemNote } from '../common/parts.js';
import type { OperatorSession } from '../common/session.js';
import { shapeOf } from '../slip.js';
import type { Race } from '../wire.js';
import {
  EMPTY_ORDER,
  finishOf,
  gap,
  isPlaced,
  type Order,
  orderFrom,
  ordinal,
  pick,
  placeOf,
  readOut,
  tap,
} from './order.js';
import { useCommand } from './queries.js';

export interface OrderEntryProps {
  race: Race;
  operator: OperatorSession;
  onDone: () => void;
  onCancel: (() => void) | null;
}

export function OrderEntry({ race, operator, onDone, onCancel }: OrderEntryProps) {
  const [order, setOrder] = useState<Order>(() => (race.result === null ? EMPTY_ORDER : orderFrom(race.result.finish)));
  const [reason, setReason] = useState('');
  const command = useCommand(operator, race.raceId);
  const going = race.runners.filter((runner) => runner.status !== 'SCRATCHED').length;
  const needed = Math.min(going, Math.max(1, ...race.pools.map((pool) => shapeOf(pool.type)?.places ?? 1)));
  const problem = gap(order, needed);
  const correction = race.result?.status === 'OFFICIAL' || race.result?.corrects != null;
  return (
    <div className="panel-body stack" data-testid="order-entry">
      <p className="small muted">
        Tap the runners in the order they finished. For a dead heat, tap the place first, then the other runner.
      </p>
      <div className="order">
        <Ranks order={order} onOrder={setOrder} />
        <div className="chips">
          {race.runners.map((runner) => {
            const out = runner.status === 'SCRATCHED';
            return (
              <button
                key={runner.number}
                type="button"
                disabled={out}
                aria-pressed={isPlaced(order, runner.number)}
                data-testid={`place-${runner.number}`}
                onClick={() => setOrder(tap(order, runner.number))}
              >
                <Cloth number={runner.number} out={out} />
                <span className="break">{runner.name}</span>
              </button>
            );
          })}
        </div>
      </div>
      <p className="note" aria-live="polite" data-testid="order-readout">
        {problem ?? readOut(finishOf(order))}
      </p>
      {correction ? (
        <label className="field">
          Reason for the correction
          <input
            required
            maxLength={200}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
            data-testid="correction-reason"
          />
        </label>
      ) : null}
      <ProblemNote failure={command.error} testId="order-problem" />
      <div className="row">
        <button
          type="button"
          className="act main"
          disabled={problem !== null || command.isPending || (correction && reason.trim() === '')}
          data-testid="send-order"
          onClick={() =>
            command.mutate(
              {
                action: 'result',
                body: {
                  finish: finishOf(order),
                  disqualified: [...order.disqualified],
                  ...(correction ? { reason: reason.trim() } : {}),
                },
              },
              { onSuccess: onDone },
            )
          }
        >
          Enter as provisional
        </button>
        <button type="button" className="act" onClick={() => setOrder(EMPTY_ORDER)}>
          Start over
        </button>
        {onCancel === null ? null : (
          <button type="button" className="act" onClick={onCancel}>
            Keep the order entered
          </button>
        )}
      </div>
    </div>
  );
}

function Ranks({ order, onOrder }: { order: Order; onOrder: (order: Order) => void }) {
  return (
    <ol className="ranks">
      {[...order.ranks.entries()].map(([index, rank]) => {
        const place = ordinal(placeOf(order, index));
        const active = order.active === index;
        return (
          <li key={index} className={`rank${active ? ' active' : ''}`} data-testid={`rank-${index}`}>
            <button type="button" className="pick" aria-pressed={active} onClick={() => onOrder(pick(order, index))}>
              {place}
              {rank.length > 1 ? ' =' : ''}
            </button>
            <Placed
              runners={rank}
              empty={active ? 'next tap' : ''}
              where={place}
              onRemove={(runner) => onOrder(tap(order, runner))}
            />
          </li>
        );
      })}
      <li className={`rank${order.active === 'DISQUALIFIED' ? ' active' : ''}`}>
        <button
          type="button"
          className="pick"
          aria-pressed={order.active === 'DISQUALIFIED'}
          onClick={() => onOrder(pick(order, 'DISQUALIFIED'))}
          data-testid="rank-disqualified"
        >
          Disq.
        </button>
        <Placed
          runners={order.disqualified}
          empty={order.active === 'DISQUALIFIED' ? 'next tap' : ''}
          where="disqualified"
          onRemove={(runner) => onOrder(tap(order, runner))}
        />
      </li>
    </ol>
  );
}

function Placed(props: {
  runners: readonly string[];
  empty: string;
  where: string;
  onRemove: (runner: string) => void;
}) {
  return (
    <span className="in">
      {props.runners.length === 0 ? <span className="tiny">{props.empty}</span> : null}
      {props.runners.map((runner) => (
        <button
          key={runner}
          type="button"
          aria-label={`Take ${runner} out of ${props.where}`}
          title="Tap to take back"
          onClick={() => props.onRemove(runner)}
        >
          <Cloth number={runner} />
        </button>
      ))}
    </span>
  );
}
