/**
 * The Nest module of a process: which controllers it has follows from its roles, what they work with is handed in whole. Everything
 * stateful is made by the composition root, nothing here opens a connection.
 */
import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { Accounts } from '../accounts.js';
import { Tokens } from '../auth.js';
import { Betting } from '../betting.js';
import { DemoAccess } from '../demo-access.js';
import { Desk } from '../desk.js';
import type { AccountReads } from '../doors.js';
import { MESSAGE_HANDLERS } from '../messages.js';
import { OperatorViews } from '../operator-views.js';
import { Quotes } from '../quotes.js';
import { Racing } from '../racing.js';
import { Installation, Readiness } from '../readiness.js';
import { Seals } from '../seals.js';
import { Metrics } from '../telemetry/metrics.js';
import { ACCOUNT_READS, AccountsController, NewAccountsController } from './accounts.controller.js';
import { asyncapiDocument } from './asyncapi.js';
import { BetRoute } from './bet-route.js';
import { methodsOf, openapiDocument } from './openapi.js';
import { OperatorController } from './operator.controller.js';
import { RacingController } from './racing.controller.js';
import { RecordFormatController } from './record-format.controller.js';
import { BearerGuard, type FilterOptions, ProblemFilter } from './rim.js';
import { SealsController } from './seals.controller.js';
import {
  CONTRACTS,
  ContractController,
  type ContractDocuments,
  DemoController,
  SystemController,
} from './system.controller.js';
import { TicketsController } from './tickets.controller.js';

/** What the API's handlers work with. */
export interface ApiParts {
  readonly betting: Betting;
  readonly accounts: Accounts;
  readonly desk: Desk;
  readonly quotes: Quotes;
  readonly racing: Racing;
  readonly reads: AccountReads;
  readonly operator: OperatorViews;
  readonly seals: Seals;
}

export interface ModuleOptions {
  readonly readiness: Readiness;
  readonly installation: Installation;
  readonly metrics: Metrics;
  readonly tokens: Tokens;
  readonly filter: FilterOptions;
  readonly api?: ApiParts | undefined;
  /** Which doors are open. */
  readonly doors: { readonly betting: boolean; readonly operator: boolean };
  readonly demo?: DemoAccess | undefined;
}

class ApiModule {}

export function apiModule(options: ModuleOptions): DynamicModule {
  const controllers = controllersOf(options);
  const routes = options.doors.betting && options.api ? [BetRoute] : [];
  const documents = documentsOf([...routes, ...controllers]);
  const filter = new ProblemFilter(options.filter, methodsOf([...routes, ...controllers]));
  const providers: Provider[] = [
    { provide: Readiness, useValue: options.readiness },
    { provide: Installation, useValue: options.installation },
    { provide: Metrics, useValue: options.metrics },
    { provide: Tokens, useValue: options.tokens },
    { provide: CONTRACTS, useValue: documents },
    { provide: APP_GUARD, useClass: BearerGuard },
    { provide: ProblemFilter, useValue: filter },
    { provide: APP_FILTER, useValue: filter },
  ];
  if (options.demo) providers.push({ provide: DemoAccess, useValue: options.demo });
  if (!options.api) return { module: ApiModule, controllers, providers };
  return {
    module: ApiModule,
    imports: [CqrsModule.forRoot()],
    controllers,
    providers: [...providers, ...apiProviders(options.api), ...routes],
  };
}

const apiProviders = ({ betting, accounts, desk, quotes, racing, reads, operator, seals }: ApiParts): Provider[] => [
  { provide: Betting, useValue: betting },
  { provide: Accounts, useValue: accounts },
  { provide: Desk, useValue: desk },
  { provide: Quotes, useValue: quotes },
  { provide: Racing, useValue: racing },
  { provide: ACCOUNT_READS, useValue: reads },
  { provide: OperatorViews, useValue: operator },
  { provide: Seals, useValue: seals },
  ...MESSAGE_HANDLERS,
];

/** Every controller there is, for the documents of the whole system. */
export const ALL_CONTROLLERS: readonly Type[] = [
  BetRoute,
  TicketsController,
  AccountsController,
  RacingController,
  SealsController,
  OperatorController,
  NewAccountsController,
  RecordFormatController,
  DemoController,
  ContractController,
  SystemController,
];

function controllersOf({ api, doors, demo }: ModuleOptions): Type[] {
  if (!api) return [SystemController];
  return [
    ...(doors.betting ? [TicketsController, AccountsController] : []),
    RacingController,
    SealsController,
    ...(doors.operator ? [OperatorController, NewAccountsController, RecordFormatController] : []),
    ...(demo ? [DemoController] : []),
    ContractController,
    SystemController,
  ];
}

/** Made on first demand: a start does not wait for them. */
function documentsOf(controllers: readonly Type[]): () => ContractDocuments {
  let made: ContractDocuments | undefined;
  return () => {
    made ??= { openapi: openapiDocument(controllers), asyncapi: asyncapiDocument() };
    return made;
  };
}
